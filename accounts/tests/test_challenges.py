"""The second step of a sign-in: challenges, their ends, and the counters of codes."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

import audit.actions
from accounts import selectors
from accounts.actions import challenges, codes
from accounts.errors import ChallengeInvalid, SigningUnavailable
from accounts.models import GuessCounter, LoginChallenge, RefreshToken, SecondFactor, Session
from accounts.tests import factories, factors
from accounts.tests.factories import PASSWORD
from accounts.tests.factors import BACKUP, LOGIN, VERIFY, App, answer, challenge, outcome, signed_in
from audit.models import AuditEvent
from common import clock
from common.actor import Actor
from config.rates import Rate
from jobs.models import Job
from jobs.testing import run_due

pytestmark = pytest.mark.django_db
VISITOR = Actor.system("visitor")


@pytest.fixture
def ten_a_quarter(settings: Any) -> None:
    settings.RATES = {**settings.RATES, "VERIFY_SECOND_FACTOR_USER": Rate(10, 900)}


def events(*names: str) -> list[tuple[str, str, str]]:
    rows = AuditEvent.objects.filter(action__in=names).order_by("id")
    return list(rows.values_list("action", "outcome", "target_id"))


def test_a_password_gives_a_challenge_and_a_code_the_tokens(ana: App, api: APIClient) -> None:
    factors.give_codes(ana.user)
    first = api.post(LOGIN, {"email": ana.user.email, "password": PASSWORD})

    assert first.status_code == 200
    assert first.json() == {
        "status": "2fa_required",
        "challenge_token": first.json()["challenge_token"],
        "methods": ["totp", "backup_code"],
        "expires_in": 300,
    }
    assert not Session.objects.exists()
    second = answer(VERIFY, first.json()["challenge_token"], ana.code())

    assert second.status_code == 200
    assert second["Cache-Control"] == "no-store"
    body = second.json()
    assert (body["status"], body["token_type"], body["expires_in"]) == ("authenticated", "Bearer", 300)
    assert body["user"]["two_factor"] == {"enabled": True, "methods": ["totp", "backup_code"]}
    assert "backup_codes_remaining" not in body
    session = Session.objects.get()
    assert (session.amr, session.reauth_amr, str(session.pk)) == (["pwd", "otp"], ["pwd", "otp"], body["session_id"])
    assert session.reauth_at == session.auth_time
    assert events("2fa.verified", "session.created") == [
        ("2fa.verified", "done", str(ana.user.pk)),
        ("session.created", "done", str(session.pk)),
    ]
    assert api.get("/api/auth/me", HTTP_AUTHORIZATION=f"Bearer {body['access']}").status_code == 200


def test_who_has_a_factor_always_needs_it_whatever_the_policy(ana: App, settings: Any) -> None:
    for policy in ("optional", "required"):
        settings.STAFF_TWO_FACTOR = policy
        assert challenge(ana.user).startswith("ch_")
    assert not Session.objects.exists()


def test_the_transport_of_the_second_request_is_the_sessions(ana: App) -> None:
    done = answer(VERIFY, challenge(ana.user), ana.code(), HTTP_X_REFRESH_TRANSPORT="cookie")

    assert done.status_code == 200
    assert "refresh" not in done.json()
    assert done.cookies["rt"].value.startswith("rt_")
    assert Session.objects.get().transport == "cookie"


def test_without_backup_codes_the_challenge_offers_none(ana: App, api: APIClient) -> None:
    assert api.post(LOGIN, {"email": ana.user.email, "password": PASSWORD}).json()["methods"] == ["totp"]


def test_a_code_works_once_and_the_replay_is_written_down(ana: App) -> None:
    first, second = challenge(ana.user), challenge(ana.user)
    assert answer(VERIFY, first, ana.code()).status_code == 200

    refused = answer(VERIFY, second, ana.code())
    assert outcome(refused) == (401, "code_invalid")
    assert refused.json()["attempts_left"] == 4
    assert events("2fa.replayed", "2fa.failed") == [("2fa.replayed", "refused", str(ana.user.pk))]
    assert Session.objects.count() == 1


@pytest.mark.parametrize(("steps", "status"), [(-2, 401), (-1, 200), (0, 200), (1, 401)])
def test_which_steps_count(ana: App, steps: int, status: int) -> None:
    assert answer(VERIFY, challenge(ana.user), ana.code(steps)).status_code == status


def test_after_a_step_was_used_the_one_before_it_does_not_count(ana: App) -> None:
    earlier = ana.code(-1)
    assert answer(VERIFY, challenge(ana.user), ana.code()).status_code == 200
    assert outcome(answer(VERIFY, challenge(ana.user), earlier)) == (401, "code_invalid")
    with clock.shift(30):
        assert answer(VERIFY, challenge(ana.user), ana.code()).status_code == 200


@pytest.mark.parametrize("code", ["+23349", "２２３３４９", " 67014\n", "203_98", "", "1" * 4000])
def test_what_is_no_code_is_wrong_or_malformed_but_never_a_fault(ana: App, code: str) -> None:
    refused = answer(VERIFY, challenge(ana.user), code)
    assert outcome(refused) == ((400, "validation_error") if code == "" else (401, "code_invalid"))


@pytest.mark.parametrize("body", [{"code": 123456}, {"code": None}, {}, {"code": "123456", "x": 1}])
def test_a_code_is_a_json_string(ana: App, body: dict[str, Any]) -> None:
    token = challenge(ana.user)
    refused = APIClient().post(VERIFY, {"challenge_token": token, **body}, format="json")
    assert outcome(refused) == (400, "validation_error")
    assert LoginChallenge.objects.get().failures == 0
    assert not GuessCounter.objects.filter(rule=codes.IN_A_ROW).exists()


def test_five_wrong_codes_exhaust_a_challenge(ana: App) -> None:
    token = challenge(ana.user)
    refused = [answer(VERIFY, token, ana.wrong()).json() for _ in range(5)]

    assert [(body["code"], body.get("attempts_left")) for body in refused] == [
        ("code_invalid", 4),
        ("code_invalid", 3),
        ("code_invalid", 2),
        ("code_invalid", 1),
        ("challenge_exhausted", None),
    ]
    assert outcome(answer(VERIFY, token, ana.code())) == (401, "challenge_invalid")
    assert events("2fa.failed") == [("2fa.failed", "refused", str(ana.user.pk))] * 5
    assert not Session.objects.exists()
    assert answer(VERIFY, challenge(ana.user), ana.code()).status_code == 200


def test_failures_of_both_methods_count_on_the_same_challenge(ana: App) -> None:
    factors.give_codes(ana.user)
    token = challenge(ana.user)
    paths = [VERIFY, BACKUP, VERIFY, BACKUP, VERIFY]
    seen = [outcome(answer(path, token, ana.wrong())) for path in paths]
    assert seen == [(401, "code_invalid")] * 4 + [(401, "challenge_exhausted")]
    assert [name for name, _, _ in events("2fa.failed", "2fa.backup_failed")] == [
        "2fa.failed",
        "2fa.backup_failed",
        "2fa.failed",
        "2fa.backup_failed",
        "2fa.failed",
    ]


def test_ten_wrong_codes_lock_the_factor_at_every_address(ana: App, ten_a_quarter: None) -> None:
    ben = factors.colleague()
    for number in range(10):
        refused = answer(VERIFY, challenge(ana.user), ana.wrong(), REMOTE_ADDR=f"198.51.100.{number}")
        assert outcome(refused) == (401, "code_invalid")
    token = challenge(ana.user)
    locked = answer(VERIFY, token, ana.code(), REMOTE_ADDR="203.0.113.1")

    assert outcome(locked) == (429, "second_factor_locked")
    assert locked["Retry-After"] == str(locked.json()["retry_after"])
    assert 600 < int(locked["Retry-After"]) <= 900
    assert events("2fa.locked") == [("2fa.locked", "refused", str(ana.user.pk))]
    assert LoginChallenge.objects.latest("pk").failures == 0
    assert answer(VERIFY, challenge(ben.user), ben.code()).status_code == 200
    assert not Session.objects.filter(user=ana.user).exists()
    with clock.shift(901):
        assert answer(VERIFY, challenge(ana.user), ana.code()).status_code == 200


def test_a_right_password_does_not_reset_the_counter_but_a_right_code_does(ana: App, ten_a_quarter: None) -> None:
    for _ in range(9):
        answer(VERIFY, challenge(ana.user), ana.wrong())
    challenge(ana.user)
    assert {row.count for row in GuessCounter.objects.filter(rule__startswith="verify_second")} == {9}
    assert answer(VERIFY, challenge(ana.user), ana.code()).status_code == 200
    names = [codes.IN_A_ROW, codes.WINDOW.lower()]
    assert not GuessCounter.objects.filter(rule__in=names).exists()


def test_after_a_hundred_in_a_row_only_a_backup_code_helps(ana: App) -> None:
    codes_ = factors.give_codes(ana.user)
    answer(VERIFY, challenge(ana.user), ana.wrong())
    GuessCounter.objects.filter(rule=codes.IN_A_ROW).update(count=100)
    token = challenge(ana.user)

    assert outcome(answer(VERIFY, token, ana.code())) == (429, "second_factor_locked")
    with clock.shift(3 * 86400):
        assert outcome(answer(VERIFY, challenge(ana.user), ana.code())) == (429, "second_factor_locked")
    assert GuessCounter.objects.get(rule=codes.IN_A_ROW).count == 100
    assert answer(BACKUP, token, codes_[0]).status_code == 200
    assert answer(VERIFY, challenge(ana.user), ana.code()).status_code == 200


def test_the_volume_of_an_address_is_limited(ana: App, settings: Any, fresh_cache: None) -> None:
    settings.RATES = {**settings.RATES, "VERIFY_SECOND_FACTOR_IP": Rate(2, 60)}
    settings.CACHES = {**settings.CACHES, "limits": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    token = challenge(ana.user)
    assert [outcome(answer(path, "ch_unknown", "123456")) for path in (VERIFY, BACKUP)] == [
        (401, "challenge_invalid")
    ] * 2
    limited = answer(VERIFY, token, ana.code())
    assert outcome(limited) == (429, "rate_limited")
    assert limited["Retry-After"] == str(limited.json()["retry_after"])
    assert answer(VERIFY, token, ana.code(), REMOTE_ADDR="203.0.113.7").status_code == 200


def test_a_challenge_dies_with_its_three_hundredth_second(ana: App) -> None:
    token = challenge(ana.user)
    with clock.shift(299):
        assert outcome(answer(VERIFY, token, ana.wrong())) == (401, "code_invalid")
    row = LoginChallenge.objects.get()
    assert row.expires_at - row.created_at == timedelta(seconds=300)
    with clock.shift(300):
        assert outcome(answer(VERIFY, token, ana.code())) == (401, "challenge_invalid")
    assert not Session.objects.exists()


def test_a_challenge_is_answered_once(ana: App) -> None:
    token = challenge(ana.user)
    assert answer(VERIFY, token, ana.code()).status_code == 200
    with clock.shift(30):
        assert outcome(answer(VERIFY, token, ana.code())) == (401, "challenge_invalid")
    assert Session.objects.count() == 1


@pytest.mark.parametrize("token", ["", "ch_", "ch_" + "A" * 43, "en_" + "A" * 43, "x" * 5000])
def test_an_unknown_or_malformed_token_is_one_answer(ana: App, token: str) -> None:
    refused = answer(VERIFY, token, "123456")
    malformed = token == ""
    assert outcome(refused) == ((400, "validation_error") if malformed else (401, "challenge_invalid"))
    assert not GuessCounter.objects.filter(rule=codes.IN_A_ROW).exists()


def test_another_password_supersedes_the_challenge(ana: App) -> None:
    token = challenge(ana.user)
    ana.user.set_password("another-password-99")
    ana.user.save()
    assert outcome(answer(VERIFY, token, ana.code())) == (401, "challenge_invalid")
    assert SecondFactor.objects.get().last_step == 0
    assert not GuessCounter.objects.filter(rule=codes.IN_A_ROW, count__gt=0).exists()


def test_a_closed_account_ends_the_challenge(ana: App) -> None:
    token = challenge(ana.user)
    ana.user.is_active = False
    ana.user.save()
    assert outcome(answer(VERIFY, token, ana.code())) == (401, "challenge_invalid")


def test_signing_out_everywhere_supersedes_the_challenges(ana: App) -> None:
    client = signed_in(ana.user)
    token = challenge(ana.user)
    assert client.post("/api/auth/logout-all", {"keep_current": True}).json() == {"revoked": 0}
    assert outcome(answer(VERIFY, token, ana.code())) == (401, "challenge_invalid")
    assert LoginChallenge.objects.get().superseded_at is not None


def test_three_challenges_live_at_once_and_the_oldest_goes(ana: App) -> None:
    tokens = [challenge(ana.user) for _ in range(5)]
    seen = [outcome(answer(VERIFY, token, ana.wrong())) for token in tokens]
    assert seen == [(401, "challenge_invalid")] * 2 + [(401, "code_invalid")] * 3
    assert [row.superseded_at is None for row in LoginChallenge.objects.order_by("pk")] == [False] * 2 + [True] * 3


def test_a_challenge_takes_its_own_users_codes_only(ana: App) -> None:
    ben = factors.colleague()
    assert outcome(answer(VERIFY, challenge(ana.user), ben.code())) == (401, "code_invalid")
    assert SecondFactor.objects.get(user=ben.user).last_step == 0


def test_a_pending_secret_never_verifies_a_sign_in(ana: App) -> None:
    client = signed_in(ana.user)
    begun = client.post("/api/auth/2fa/enroll", {}).json()
    pending = SecondFactor.objects.get(pk=begun["enrollment_id"])
    secret = App(ana.user, codes.secret_of(factor=pending) or b"")
    assert outcome(answer(VERIFY, challenge(ana.user), secret.code())) == (401, "code_invalid")


def test_a_challenge_without_a_factor_any_more_is_invalid(ana: App) -> None:
    token = challenge(ana.user)
    SecondFactor.objects.all().delete()
    assert outcome(answer(VERIFY, token, ana.code())) == (401, "challenge_invalid")


def test_a_secret_of_another_row_is_a_wrong_code_and_an_alert(ana: App, settings: Any, mailoutbox: list[Any]) -> None:
    ben = factors.colleague()
    stolen = SecondFactor.objects.get(user=ana.user)
    SecondFactor.objects.filter(user=ben.user).update(secret_ciphertext=stolen.secret_ciphertext)
    for _ in range(2):
        refused = answer(VERIFY, challenge(ben.user), ana.code())
        assert outcome(refused) == (401, "code_invalid")
    row = SecondFactor.objects.get(user=ben.user)
    alert = Job.objects.get(kind="mail.alert")
    assert (alert.args["code"], alert.args["record"]) == ("second_factor_unreadable", str(row.pk))
    assert row.last_step == 0
    assert [name for name, _, _ in events("2fa.failed")] == ["2fa.failed"] * 2
    settings.ALERT_EMAIL = ["alarm@example.com"]
    run_due()
    (sent,) = mailoutbox
    assert sent.to == ["alarm@example.com"]
    assert "second_factor_unreadable" in sent.body
    assert f"http://testserver/admin/accounts/user/{ben.user.pk}/change/" in sent.body


def test_a_code_is_not_used_up_when_the_audit_cannot_be_written(
    ana: App, api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, code = challenge(ana.user), ana.code()
    record = audit.actions.record
    client = APIClient(raise_request_exception=False)

    def fail(*, action: str, **values: Any) -> Any:
        if action == "2fa.verified":
            raise RuntimeError("The audit log is full.")
        return record(action=action, **values)

    with monkeypatch.context() as patch:
        patch.setattr(audit.actions, "record", fail)
        assert client.post(VERIFY, {"challenge_token": token, "code": code}, format="json").status_code == 500
    assert LoginChallenge.objects.get().consumed_at is None
    assert SecondFactor.objects.get().last_step == 0
    assert not Session.objects.exists()
    assert answer(VERIFY, token, code).status_code == 200


def test_nothing_is_used_up_when_no_key_can_sign(ana: App, monkeypatch: pytest.MonkeyPatch) -> None:
    token = challenge(ana.user)

    def fail(**_: Any) -> str:
        raise SigningUnavailable(retry_after=1)

    with monkeypatch.context() as patch:
        patch.setattr("accounts.actions.sessions.StaffAccessToken.issue", fail)
        refused = answer(VERIFY, token, ana.code())
    assert outcome(refused) == (503, "signing_unavailable")
    assert refused["Retry-After"] == "1"
    row = LoginChallenge.objects.get()
    assert (row.failures, row.consumed_at) == (0, None)
    assert SecondFactor.objects.get().last_step == 0
    assert {counter.count for counter in GuessCounter.objects.filter(rule=codes.IN_A_ROW)} <= {0}
    assert not RefreshToken.objects.exists()
    assert answer(VERIFY, token, ana.code()).status_code == 200


def test_a_wrong_code_is_not_signed_for(ana: App, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> str:
        raise AssertionError("signed for a wrong code")

    monkeypatch.setattr("accounts.actions.sessions.StaffAccessToken.issue", fail)
    assert outcome(answer(VERIFY, challenge(ana.user), ana.wrong())) == (401, "code_invalid")


def test_a_door_without_an_api_session_takes_both_kinds_of_code(ana: App) -> None:
    written = factors.give_codes(ana.user)
    by_app = challenges.prove(token=challenge(ana.user), code=ana.code(), by=VISITOR)
    by_backup = challenges.prove(token=challenge(ana.user), code=written[0], by=VISITOR)

    factor = selectors.second_factor(ana.user)
    assert (by_app.user, by_app.factor, by_app.amr) == (ana.user, factor, ["pwd", "otp"])
    assert (by_backup.user, by_backup.amr) == (ana.user, ["pwd", "backup"])
    assert not Session.objects.exists()
    assert [name for name, _, _ in events("2fa.verified", "2fa.backup_used", "session.created")] == [
        "2fa.verified",
        "2fa.backup_used",
    ]
    with pytest.raises(ChallengeInvalid):
        challenges.prove(token="ch_" + "B" * 43, code=ana.code(), by=VISITOR)


def test_neither_token_nor_code_nor_secret_stands_in_the_database(ana: App, tables: Any) -> None:
    token = challenge(ana.user)
    code = ana.code()
    pair = answer(VERIFY, token, code).json()
    dump = tables()
    assert str(ana.user.pk) in dump
    for secret in (token, token[3:], pair["access"], pair["refresh"], ana.secret.hex(), ana.secret.decode("latin-1")):
        assert secret not in dump


def test_a_second_factor_enrolled_meanwhile_stops_a_password_only_session(ana: App) -> None:
    ben = factories.make_user("ben@example.com")
    factors.give_app(ben)
    with pytest.raises(Exception, match="wrong") as refused:
        factories.sign_in(ben)
    assert type(refused.value).__name__ == "InvalidCredentials"
    assert not Session.objects.filter(user=ben).exists()


def test_the_locks_are_taken_in_their_order(ana: App) -> None:
    token = challenge(ana.user)
    with CaptureQueriesContext(connection) as queries:
        assert answer(VERIFY, token, ana.code()).status_code == 200
    locked = [query["sql"].split('FROM "')[1].split('"')[0] for query in queries if "FOR NO KEY UPDATE" in query["sql"]]
    assert locked == ["accounts_loginchallenge", "accounts_user", "accounts_secondfactor"]
