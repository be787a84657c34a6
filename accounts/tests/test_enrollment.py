"""Enrolling, replacing and switching off the second factor."""

import base64
import uuid
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts import selectors, totp
from accounts.actions import backup_codes, enrollment
from accounts.errors import SigningUnavailable
from accounts.models import BackupCode, EnrollmentToken, LoginChallenge, RefreshToken, SecondFactor, Session, User
from accounts.tests import factories, factors
from accounts.tests.factories import PASSWORD
from accounts.tests.factors import BACKUP, LOGIN, VERIFY, App, answer, challenge, outcome, signed_in
from audit.models import AuditEvent
from common import clock
from config.rates import Rate
from mail.models import Message

pytestmark = pytest.mark.django_db
ENROLL = "/api/auth/2fa/enroll"
CONFIRM = "/api/auth/2fa/enroll/confirm"
DISABLE = "/api/auth/2fa/disable"


@pytest.fixture
def ben(steady: None, roles: None) -> User:
    """A colleague without a factor whose enrolment window is open."""
    later = clock.db_now() + timedelta(hours=72)
    return factories.make_user("ben@example.com", held=("Editor",), enrollment_open_until=later)


def begin(client: APIClient, user: User, **body: str) -> tuple[str, App]:
    """The id of a new enrolment, and the app that has read its secret."""
    begun = client.post(ENROLL, body, format="json")
    assert begun.status_code == 200, begun.json()
    secret = begun.json()["secret"]
    return begun.json()["enrollment_id"], App(user, base64.b32decode(secret))


def confirm(client: APIClient, enrollment_id: str, code: str, **body: str) -> Any:
    return client.post(CONFIRM, {"enrollment_id": enrollment_id, "code": code, **body}, format="json")


def enrollment_token(user: User, settings: Any) -> str:
    settings.STAFF_TWO_FACTOR = "required"
    body = APIClient().post(LOGIN, {"email": user.email, "password": PASSWORD}, format="json").json()
    assert body["status"] == "2fa_enrollment_required"
    return str(body["enrollment_token"])


def actions() -> list[str]:
    return list(AuditEvent.objects.filter(action__startswith="2fa").order_by("id").values_list("action", flat=True))


# With a session


def test_a_session_enrols_an_app_and_gets_the_codes_once(ben: User, mailoutbox: list[Any]) -> None:
    client, other = signed_in(ben, amr=["pwd"]), signed_in(ben, amr=["pwd"])
    begun = client.post(ENROLL, {})

    assert begun.status_code == 200
    body = begun.json()
    pending = SecondFactor.objects.get()
    assert body == {
        "enrollment_id": str(pending.pk),
        "secret": body["secret"],
        "otpauth_uri": f"otpauth://totp/Studio%3Aben@example.com?secret={body['secret']}"
        "&issuer=Studio&algorithm=SHA1&digits=6&period=30",
        "expires_in": 600,
    }
    assert len(base64.b32decode(body["secret"])) == 20
    assert (pending.confirmed, pending.expires_at) == (False, pending.created_at + timedelta(seconds=600))
    assert begun["Cache-Control"] == "no-store"
    app = App(ben, base64.b32decode(body["secret"]))
    done = confirm(client, body["enrollment_id"], app.code())

    assert done.status_code == 200
    assert list(done.json()) == ["backup_codes"]
    assert len(set(done.json()["backup_codes"])) == 10
    factor = SecondFactor.objects.get()
    assert (factor.pk, factor.confirmed, factor.batch) == (pending.pk, True, 1)
    assert factor.last_step == totp.step_at(clock.db_now())
    assert actions() == ["2fa.enroll_started", "2fa.enabled", "2fa.backup_issued"]
    assert list(Message.objects.values_list("template", "to")) == [("accounts/second_factor_enabled", ben.email)]
    assert outcome(other.get("/api/auth/me")) == (401, "session_revoked")
    assert Session.objects.exclude(revoke_reason="").get().revoke_reason == "second_factor"
    me = client.get("/api/auth/me")
    assert me.json()["two_factor"] == {"enabled": True, "methods": ["totp", "backup_code"]}
    assert Session.objects.get(revoke_reason="").amr == ["pwd", "otp"]


def test_the_code_of_the_enrolment_cannot_sign_in(ben: User) -> None:
    client = signed_in(ben, amr=["pwd"])
    enrollment_id, app = begin(client, ben)
    assert confirm(client, enrollment_id, app.code()).status_code == 200
    token = challenge(ben)
    assert outcome(answer(VERIFY, token, app.code())) == (401, "code_invalid")
    with clock.shift(30):
        assert answer(VERIFY, token, app.code()).status_code == 200


def test_the_code_of_the_step_before_confirms_too_and_a_future_one_does_not(ben: User) -> None:
    client = signed_in(ben, amr=["pwd"])
    enrollment_id, app = begin(client, ben)
    assert outcome(confirm(client, enrollment_id, app.code(1))) == (401, "code_invalid")
    assert confirm(client, enrollment_id, app.code(-1)).status_code == 200
    assert answer(VERIFY, challenge(ben), app.code()).status_code == 200


def test_five_wrong_codes_kill_the_enrolment(ben: User) -> None:
    client = signed_in(ben, amr=["pwd"])
    enrollment_id, app = begin(client, ben)
    refused = [confirm(client, enrollment_id, app.wrong()) for _ in range(5)]
    assert [outcome(one) for one in refused] == [(401, "code_invalid")] * 5
    assert [one.json()["attempts_left"] for one in refused] == [4, 3, 2, 1, 0]
    assert outcome(confirm(client, enrollment_id, app.code())) == (401, "enrollment_invalid")
    assert not selectors.has_second_factor(ben)
    assert not BackupCode.objects.exists()
    assert actions() == ["2fa.enroll_started", *["2fa.failed"] * 5]
    enrollment_id, app = begin(client, ben)
    assert confirm(client, enrollment_id, app.code()).status_code == 200


def test_an_enrolment_lasts_ten_minutes(ben: User, settings: Any) -> None:
    client = signed_in(ben, amr=["pwd"])
    enrollment_id, app = begin(client, ben)
    with clock.shift(290):
        assert outcome(confirm(client, enrollment_id, app.wrong())) == (401, "code_invalid")
    SecondFactor.objects.update(expires_at=clock.db_now())
    assert outcome(confirm(client, enrollment_id, app.code())) == (410, "enrollment_expired")
    assert not selectors.has_second_factor(ben)


def test_a_new_call_replaces_what_waits(ben: User) -> None:
    client = signed_in(ben, amr=["pwd"])
    first, first_app = begin(client, ben)
    second, second_app = begin(client, ben)
    assert SecondFactor.objects.count() == 1
    assert first_app.secret != second_app.secret
    assert outcome(confirm(client, first, first_app.code())) == (401, "enrollment_invalid")
    assert confirm(client, second, second_app.code()).status_code == 200


@pytest.mark.parametrize("enrollment_id", [str(uuid.UUID(int=7)), "not-a-uuid", 7, None])
def test_an_unknown_enrolment_is_refused(ben: User, enrollment_id: Any) -> None:
    refused = confirm(signed_in(ben, amr=["pwd"]), enrollment_id, "123456")
    known_shape = isinstance(enrollment_id, str) and enrollment_id.startswith("0")
    assert outcome(refused) == ((401, "enrollment_invalid") if known_shape else (400, "validation_error"))


def test_an_enrolment_is_its_users_only(ben: User) -> None:
    cy = factories.make_user("cy@example.com")
    enrollment_id, app = begin(signed_in(ben, amr=["pwd"]), ben)
    assert outcome(confirm(signed_in(cy, amr=["pwd"]), enrollment_id, app.code())) == (401, "enrollment_invalid")
    assert SecondFactor.objects.get().failures == 0


def test_enrolling_wants_a_recent_sign_in(ben: User, api: APIClient) -> None:
    client = signed_in(ben, amr=["pwd"])
    Session.objects.update(reauth_at=clock.db_now() - timedelta(seconds=300))
    assert outcome(client.post(ENROLL, {})) == (403, "reauth_required")
    assert outcome(api.post(ENROLL, {})) == (401, "not_authenticated")
    assert outcome(confirm(api, str(uuid.uuid4()), "123456")) == (401, "not_authenticated")
    assert not SecondFactor.objects.exists()


def test_who_has_a_factor_replaces_it_only_after_showing_it(ana: App) -> None:
    old_codes = factors.give_codes(ana.user)
    client = signed_in(ana.user)
    Session.objects.update(reauth_at=clock.db_now() - timedelta(seconds=300))
    assert outcome(client.post(ENROLL, {})) == (409, "two_factor_already_enabled")
    Session.objects.update(reauth_at=clock.db_now(), reauth_amr=["pwd"])
    assert outcome(client.post(ENROLL, {})) == (409, "two_factor_already_enabled")
    shown = client.post("/api/auth/reauthenticate", {"password": PASSWORD, "code": ana.code()})
    assert shown.status_code == 200

    enrollment_id, app = begin(client, ana.user)
    assert answer(BACKUP, challenge(ana.user), old_codes[0]).status_code == 200  # the old one counts until then
    token = challenge(ana.user)
    assert confirm(client, enrollment_id, app.code()).status_code == 200
    assert SecondFactor.objects.get().pk == uuid.UUID(enrollment_id)
    assert BackupCode.objects.count() == 10
    assert AuditEvent.objects.get(action="2fa.enabled").meta == {"replaced": True}
    assert outcome(answer(VERIFY, token, ana.code())) == (401, "challenge_invalid")
    assert LoginChallenge.objects.filter(superseded_at__isnull=False).exists()
    assert outcome(answer(BACKUP, challenge(ana.user), old_codes[1])) == (401, "code_invalid")
    with clock.shift(30):
        assert outcome(answer(VERIFY, challenge(ana.user), ana.code())) == (401, "code_invalid")
        assert answer(VERIFY, challenge(ana.user), app.code()).status_code == 200
    assert client.get("/api/auth/me").status_code == 200


def test_a_backup_code_is_enough_to_replace_a_lost_app(ana: App) -> None:
    client = signed_in(ana.user, amr=["pwd", "backup"])
    enrollment_id, app = begin(client, ana.user)
    assert confirm(client, enrollment_id, app.code()).status_code == 200


def test_enrolments_are_limited(ben: User, settings: Any, fresh_cache: None) -> None:
    settings.RATES = {**settings.RATES, "ENROLL_SECOND_FACTOR_USER": Rate(2, 3600)}
    settings.CACHES = {**settings.CACHES, "limits": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    client = signed_in(ben, amr=["pwd"])
    assert [client.post(ENROLL, {}).status_code for _ in range(3)] == [200, 200, 429]


def test_an_unreadable_secret_is_a_wrong_code(ben: User) -> None:
    client = signed_in(ben, amr=["pwd"])
    enrollment_id, app = begin(client, ben)
    SecondFactor.objects.update(secret_ciphertext=b"\x01" + b"0" * 60)
    assert outcome(confirm(client, enrollment_id, app.code())) == (401, "code_invalid")


# With an enrolment token


def test_a_token_enrols_and_signs_in(ben: User, settings: Any, api: APIClient) -> None:
    token = enrollment_token(ben, settings)
    enrollment_id, app = begin(api, ben, enrollment_token=token)
    done = confirm(api, enrollment_id, app.code(), enrollment_token=token)

    assert done.status_code == 200
    body = done.json()
    assert (body["status"], len(body["backup_codes"])) == ("authenticated", 10)
    session = Session.objects.get()
    assert (str(session.pk), session.amr, session.reauth_amr) == (body["session_id"], ["pwd", "otp"], ["pwd", "otp"])
    assert EnrollmentToken.objects.get().consumed_at is not None
    me = api.get("/api/auth/me", HTTP_AUTHORIZATION=f"Bearer {body['access']}")
    assert me.json()["two_factor"]["enabled"] is True
    listed = api.get("/api/auth/sessions", HTTP_AUTHORIZATION=f"Bearer {body['access']}")
    assert listed.status_code == 200
    again = confirm(api, enrollment_id, app.code(), enrollment_token=token)
    assert outcome(again) == (401, "enrollment_invalid")
    assert outcome(api.post(ENROLL, {"enrollment_token": token})) == (401, "enrollment_invalid")


def test_by_cookie_the_refresh_token_stays_out_of_the_body(ben: User, settings: Any, api: APIClient) -> None:
    token = enrollment_token(ben, settings)
    enrollment_id, app = begin(api, ben, enrollment_token=token)
    body = {"enrollment_id": enrollment_id, "code": app.code(), "enrollment_token": token}
    done = api.post(CONFIRM, body, HTTP_X_REFRESH_TRANSPORT="cookie")
    assert "refresh" not in done.json()
    assert done.cookies["rt"].value.startswith("rt_")


def test_a_wrong_code_leaves_the_token_usable(ben: User, settings: Any, api: APIClient) -> None:
    token = enrollment_token(ben, settings)
    enrollment_id, app = begin(api, ben, enrollment_token=token)
    refused = confirm(api, enrollment_id, app.wrong(), enrollment_token=token)
    assert (outcome(refused), refused.json()["attempts_left"]) == ((401, "code_invalid"), 4)
    assert EnrollmentToken.objects.get().consumed_at is None
    assert confirm(api, enrollment_id, app.code(), enrollment_token=token).status_code == 200


@pytest.mark.parametrize("token", ["en_", "en_" + "A" * 43, "ch_" + "A" * 43, "x" * 3000])
def test_an_unknown_token_is_refused(ben: User, api: APIClient, token: str) -> None:
    assert outcome(api.post(ENROLL, {"enrollment_token": token})) == (401, "enrollment_invalid")
    refused = confirm(api, str(uuid.uuid4()), "123456", enrollment_token=token)
    assert outcome(refused) == (401, "enrollment_invalid")


def test_a_token_dies_with_time_password_account_and_factor(ben: User, api: APIClient) -> None:
    def issue() -> str:
        ben.refresh_from_db()
        return enrollment.issue(user=ben, now=clock.db_now()).token

    def refused(token: str) -> bool:
        return outcome(api.post(ENROLL, {"enrollment_token": token})) == (401, "enrollment_invalid")

    token = issue()
    with clock.shift(599):
        assert not refused(token)
    with clock.shift(600):
        assert refused(token)
    ben.set_password("another-password-99")
    ben.save()
    assert refused(token)
    token = issue()
    User.objects.filter(pk=ben.pk).update(is_active=False)
    assert refused(token)
    User.objects.filter(pk=ben.pk).update(is_active=True)
    assert not refused(token)
    factors.give_app(ben)
    assert refused(token)


def test_a_token_does_not_outlive_the_password_while_the_codes_are_hashed(
    ben: User, settings: Any, api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = enrollment_token(ben, settings)
    enrollment_id, app = begin(api, ben, enrollment_token=token)
    make = backup_codes.make

    def meanwhile() -> Any:
        ben.set_password("another-password-58")
        ben.save()
        return make()

    monkeypatch.setattr(backup_codes, "make", meanwhile)
    assert outcome(confirm(api, enrollment_id, app.code(), enrollment_token=token)) == (401, "enrollment_invalid")
    assert not SecondFactor.objects.filter(confirmed=True).exists()
    assert not Session.objects.exists()


def test_a_session_that_ends_while_the_codes_are_hashed_replaces_no_factor(
    ana: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(ana.user)
    enrollment_id, app = begin(client, ana.user)
    make = backup_codes.make

    def meanwhile() -> Any:
        Session.objects.update(revoked_at=clock.db_now(), revoke_reason=Session.RevokeReason.PASSWORD)
        return make()

    monkeypatch.setattr(backup_codes, "make", meanwhile)
    before = selectors.second_factor(ana.user)
    assert outcome(confirm(client, enrollment_id, app.code())) == (401, "session_revoked")
    assert selectors.second_factor(ana.user) == before


def test_a_token_is_its_users_only(ben: User, api: APIClient) -> None:
    cy = factories.make_user("cy@example.com")
    mine = enrollment.issue(user=ben, now=clock.db_now()).token
    theirs = enrollment.issue(user=cy, now=clock.db_now()).token
    enrollment_id, app = begin(api, ben, enrollment_token=mine)
    assert outcome(confirm(api, enrollment_id, app.code(), enrollment_token=theirs)) == (401, "enrollment_invalid")
    assert not selectors.has_second_factor(ben)


def test_confirming_ends_all_other_tokens_of_the_user(ben: User, api: APIClient) -> None:
    spare = enrollment.issue(user=ben, now=clock.db_now()).token
    client = signed_in(ben, amr=["pwd"])
    enrollment_id, app = begin(client, ben)
    assert confirm(client, enrollment_id, app.code()).status_code == 200
    assert EnrollmentToken.objects.get().consumed_at is not None
    SecondFactor.objects.all().delete()
    assert outcome(api.post(ENROLL, {"enrollment_token": spare})) == (401, "enrollment_invalid")


def test_nothing_is_enabled_when_no_key_can_sign(ben: User, api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    token = enrollment.issue(user=ben, now=clock.db_now()).token
    enrollment_id, app = begin(api, ben, enrollment_token=token)

    def fail(**_: Any) -> str:
        raise SigningUnavailable(retry_after=1)

    with monkeypatch.context() as patch:
        patch.setattr("accounts.actions.sessions.StaffAccessToken.issue", fail)
        refused = confirm(api, enrollment_id, app.code(), enrollment_token=token)
    assert outcome(refused) == (503, "signing_unavailable")
    assert EnrollmentToken.objects.get().consumed_at is None
    assert not selectors.has_second_factor(ben)
    assert not RefreshToken.objects.exists()
    assert confirm(api, enrollment_id, app.code(), enrollment_token=token).status_code == 200


# The policy


def test_under_the_policy_only_the_way_to_a_factor_is_open(ben: User, settings: Any, fresh_cache: None) -> None:
    client = signed_in(ben, amr=["pwd"])
    settings.STAFF_TWO_FACTOR = "required"
    closed = [
        ("get", "/api/auth/2fa"),
        ("get", "/api/auth/sessions"),
        ("post", "/api/auth/logout-all"),
        ("post", DISABLE),
        ("post", "/api/auth/2fa/backup/regenerate"),
        ("get", "/api/auth/users"),
        ("post", f"/api/auth/users/{ben.pk}/2fa/reset"),
        ("post", f"/api/auth/users/{ben.pk}/sessions/revoke"),
        ("get", "/api/auth/invites"),
        ("post", "/api/auth/invites"),
    ]
    for method, path in closed:
        assert outcome(getattr(client, method)(path)) == (403, "two_factor_required"), path
    assert client.get("/api/auth/me").status_code == 200
    assert client.post("/api/auth/reauthenticate", {"password": PASSWORD}).status_code == 200
    enrollment_id, app = begin(client, ben)
    assert confirm(client, enrollment_id, app.code()).status_code == 200
    assert client.get("/api/auth/sessions").status_code == 200
    assert client.get("/api/auth/2fa").status_code == 200
    assert client.post("/api/auth/logout", {}).status_code == 204


def test_a_session_opened_by_a_backup_code_satisfies_the_policy(ana: App, settings: Any) -> None:
    settings.STAFF_TWO_FACTOR = "required"
    assert signed_in(ana.user, amr=["pwd", "backup"]).get("/api/auth/sessions").status_code == 200


def test_the_window_closes_and_a_reset_opens_it(ben: User, settings: Any, api: APIClient) -> None:
    settings.STAFF_TWO_FACTOR = "required"
    body = {"email": ben.email, "password": PASSWORD}
    with clock.shift(72 * 3600 - 1):
        assert api.post(LOGIN, body).json()["status"] == "2fa_enrollment_required"
    with clock.shift(72 * 3600):
        assert outcome(api.post(LOGIN, body)) == (403, "enrollment_window_closed")
        owner = factors.colleague("owner@example.com", held=("Owner",))
        reset = signed_in(owner.user).post(f"/api/auth/users/{ben.pk}/2fa/reset", {"reason": "late"})
        assert reset.status_code == 204
        assert api.post(LOGIN, body).json()["status"] == "2fa_enrollment_required"


# The state, and switching off


def test_the_state_of_ones_own_factor(ana: App, ben: User) -> None:
    without = signed_in(ben, amr=["pwd"]).get("/api/auth/2fa")
    assert without.json() == {
        "enabled": False,
        "methods": [],
        "backup_codes_remaining": 0,
        "backup_codes_created_at": None,
    }
    codes = factors.give_codes(ana.user)
    assert answer(BACKUP, challenge(ana.user), codes[0]).status_code == 200
    factor = selectors.second_factor(ana.user)
    assert factor is not None
    assert factor.backup_codes_created_at is not None
    assert signed_in(ana.user).get("/api/auth/2fa").json() == {
        "enabled": True,
        "methods": ["totp", "backup_code"],
        "backup_codes_remaining": 9,
        "backup_codes_created_at": factor.backup_codes_created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    assert outcome(APIClient().get("/api/auth/2fa")) == (401, "not_authenticated")


def test_switching_off_ends_everything_else(ana: App, settings: Any) -> None:
    factors.give_codes(ana.user)
    client, other = signed_in(ana.user), signed_in(ana.user)
    token = challenge(ana.user)
    assert client.post(DISABLE, {}).status_code == 204

    assert not SecondFactor.objects.exists()
    assert not BackupCode.objects.exists()
    assert outcome(other.get("/api/auth/me")) == (401, "session_revoked")
    assert client.get("/api/auth/me").json()["two_factor"] == {"enabled": False, "methods": []}
    assert outcome(answer(VERIFY, token, ana.code())) == (401, "challenge_invalid")
    assert actions()[-1] == "2fa.disabled"
    assert Message.objects.get().template == "accounts/second_factor_disabled"
    assert outcome(client.post(DISABLE, {})) == (409, "two_factor_not_enabled")
    settings.STAFF_TWO_FACTOR = "required"
    assert outcome(client.get("/api/auth/sessions")) == (403, "two_factor_required")
    settings.STAFF_TWO_FACTOR = "optional"
    signed = APIClient().post(LOGIN, {"email": ana.user.email, "password": PASSWORD}, format="json")
    assert signed.json()["status"] == "authenticated"


def test_switching_off_wants_the_factor_and_the_policys_leave(ana: App, settings: Any) -> None:
    client = signed_in(ana.user)
    Session.objects.update(reauth_amr=["pwd"])
    assert outcome(client.post(DISABLE, {})) == (403, "reauth_required")
    Session.objects.update(reauth_amr=["pwd", "otp"], reauth_at=clock.db_now() - timedelta(seconds=301))
    assert outcome(client.post(DISABLE, {})) == (403, "reauth_required")
    Session.objects.update(reauth_at=clock.db_now())
    settings.STAFF_TWO_FACTOR = "required"
    assert outcome(client.post(DISABLE, {})) == (403, "two_factor_required_by_policy")
    assert selectors.has_second_factor(ana.user)
    assert actions() == []


def test_switching_off_is_limited_and_takes_no_members(ana: App, settings: Any, fresh_cache: None) -> None:
    settings.RATES = {**settings.RATES, "DISABLE_SECOND_FACTOR_USER": Rate(1, 3600)}
    settings.CACHES = {**settings.CACHES, "limits": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    client = signed_in(ana.user)
    assert outcome(client.post(DISABLE, {"x": 1})) == (400, "validation_error")
    assert client.post(DISABLE, {}).status_code == 204
    assert outcome(client.post(DISABLE, {})) == (429, "rate_limited")


def test_no_secret_or_code_of_an_enrolment_stands_in_the_database(ben: User, tables: Any) -> None:
    client = signed_in(ben, amr=["pwd"])
    token = enrollment.issue(user=ben, now=clock.db_now()).token
    begun = client.post(ENROLL, {}).json()
    app = App(ben, base64.b32decode(begun["secret"]))
    codes = confirm(client, begun["enrollment_id"], app.code()).json()["backup_codes"]
    dump = tables()
    for secret in (token, begun["secret"], app.secret.hex(), app.secret.decode("latin-1"), *codes):
        assert secret not in dump
