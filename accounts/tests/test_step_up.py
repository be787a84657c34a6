"""Confirming who one is again: password, and the factor where there is one."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.actions import codes
from accounts.hashers import BackupCodeHasher
from accounts.models import BackupCode, GuessCounter, SecondFactor, Session, User
from accounts.tests import factories, factors
from accounts.tests.factories import PASSWORD
from accounts.tests.factors import VERIFY, App, answer, challenge, outcome, signed_in
from audit.models import AuditEvent
from common import clock
from common.errors import LimiterUnavailable
from config.rates import Rate
from mail.models import Message

pytestmark = pytest.mark.django_db
REAUTH = "/api/auth/reauthenticate"


def again(client: Any, **body: Any) -> Any:
    return client.post(REAUTH, {"password": PASSWORD, **body})


def age(seconds: int) -> None:
    Session.objects.update(reauth_at=clock.db_now() - timedelta(seconds=seconds))


def events() -> list[tuple[str, str, str]]:
    rows = AuditEvent.objects.filter(action__regex=r"^(reauth|2fa)\.").order_by("id")
    return list(rows.values_list("action", "outcome", "reason"))


def test_a_code_of_the_app_is_needed_and_counts_as_such(ana: App) -> None:
    client = signed_in(ana.user, amr=["pwd", "backup"])
    age(1000)
    done = again(client, code=ana.code())

    assert done.status_code == 200
    session = Session.objects.get()
    assert session.reauth_amr == ["pwd", "otp"]
    assert session.amr == ["pwd", "backup"]
    until = session.reauth_at + timedelta(seconds=300)
    assert done.json() == {"reauth_until": until.strftime("%Y-%m-%dT%H:%M:%SZ")}
    assert events() == [("reauth.succeeded", "done", "")]
    assert AuditEvent.objects.get(action="reauth.succeeded").target_id == str(session.pk)
    assert not GuessCounter.objects.filter(count__gt=0).exists()


def test_a_backup_code_counts_as_such_and_is_used_up(ana: App) -> None:
    written = factors.give_codes(ana.user)
    client = signed_in(ana.user)
    age(1000)
    assert again(client, code=written[0].lower()).status_code == 200
    assert Session.objects.get().reauth_amr == ["pwd", "backup"]
    assert BackupCode.objects.filter(used_at__isnull=False).count() == 1
    assert events()[1:] == [("2fa.backup_used", "done", ""), ("reauth.succeeded", "done", "")]
    assert Message.objects.get().template == "accounts/backup_code_used"
    assert outcome(again(client, code=written[0])) == (401, "code_invalid")
    assert outcome(client.post("/api/auth/2fa/backup/regenerate", {})) == (403, "reauth_required")
    assert client.post("/api/auth/2fa/enroll", {}).status_code == 200


def test_without_a_code_nothing_is_counted(ana: App) -> None:
    client = signed_in(ana.user)
    age(1000)
    refused = again(client)
    assert outcome(refused) == (400, "validation_error")
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [("#/code", "required")]
    assert outcome(again(client, code="")) == (400, "validation_error")
    assert outcome(again(client, code=123456)) == (400, "validation_error")
    assert not GuessCounter.objects.exists()
    assert Session.objects.get().reauth_at < clock.db_now() - timedelta(seconds=900)


def test_who_has_no_factor_needs_no_code(owner: User) -> None:
    client = factories.sign_in(owner)
    age(1000)
    assert again(client).status_code == 200
    assert Session.objects.get().reauth_amr == ["pwd"]


def test_a_wrong_password_is_told_before_the_code_is_looked_at(ana: App) -> None:
    client = signed_in(ana.user)
    age(1000)
    refused = client.post(REAUTH, {"password": "wrong", "code": ana.code()})
    assert outcome(refused) == (401, "invalid_credentials")
    assert events() == [("reauth.failed", "refused", "invalid_credentials")]
    assert SecondFactor.objects.get().last_step == 0
    assert not GuessCounter.objects.filter(rule=codes.IN_A_ROW).exists()
    assert again(client, code=ana.code()).status_code == 200


def test_wrong_and_replayed_codes_leave_the_session_as_it_was(ana: App) -> None:
    client = signed_in(ana.user)
    age(1000)
    before = Session.objects.get().reauth_at
    assert outcome(again(client, code=ana.wrong())) == (401, "code_invalid")
    assert answer(VERIFY, challenge(ana.user), ana.code()).status_code == 200
    assert outcome(again(client, code=ana.code())) == (401, "code_invalid")
    assert Session.objects.earliest("created_at").reauth_at == before
    assert [event for event in events() if event[0] != "2fa.verified"] == [
        ("reauth.failed", "refused", "code_invalid"),
        ("2fa.replayed", "refused", ""),
        ("reauth.failed", "refused", "code_invalid"),
    ]


def test_the_code_of_a_step_up_cannot_sign_in(ana: App) -> None:
    client = signed_in(ana.user)
    assert again(client, code=ana.code()).status_code == 200
    assert outcome(answer(VERIFY, challenge(ana.user), ana.code())) == (401, "code_invalid")


def test_codes_are_counted_with_those_of_the_sign_in(ana: App, settings: Any) -> None:
    settings.RATES = {**settings.RATES, "VERIFY_SECOND_FACTOR_USER": Rate(2, 900)}
    client = signed_in(ana.user)
    assert outcome(again(client, code=ana.wrong())) == (401, "code_invalid")
    answer(VERIFY, challenge(ana.user), ana.wrong())
    locked = again(client, code=ana.code())
    assert outcome(locked) == (429, "second_factor_locked")
    assert locked["Retry-After"] == str(locked.json()["retry_after"])
    assert outcome(answer(VERIFY, challenge(ana.user), ana.code())) == (429, "second_factor_locked")
    assert [name for name, _, _ in events()].count("2fa.locked") == 2
    assert SecondFactor.objects.get().last_step == 0


def test_failures_are_limited_and_a_lock_of_codes_is_no_failure_of_the_password(ana: App, settings: Any) -> None:
    settings.RATES = {**settings.RATES, "REAUTHENTICATE_USER": Rate(2, 300)}
    client = signed_in(ana.user)
    GuessCounter.objects.create(rule=codes.IN_A_ROW, key=codes._key(ana.user), count=100, updated_at=clock.db_now())
    assert [outcome(again(client, code=ana.code())) for _ in range(3)] == [(429, "second_factor_locked")] * 3
    GuessCounter.objects.filter(rule=codes.IN_A_ROW).delete()
    assert outcome(again(client, code=ana.wrong())) == (401, "code_invalid")
    assert outcome(client.post(REAUTH, {"password": "wrong", "code": "1"})) == (401, "invalid_credentials")
    assert outcome(again(client, code=ana.code())) == (429, "rate_limited")
    assert SecondFactor.objects.get().last_step == 0


def test_a_flood_of_hashes_gives_both_guesses_back(ana: App, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RATES = {**settings.RATES, "REAUTHENTICATE_USER": Rate(2, 300)}
    written = factors.give_codes(ana.user)
    client = signed_in(ana.user)

    def full(*_: Any) -> bool:
        raise LimiterUnavailable(retry_after=3)

    monkeypatch.setattr(BackupCodeHasher, "verify", full)
    assert outcome(again(client, code=written[0])) == (503, "limiter_unavailable")
    assert set(GuessCounter.objects.values_list("count", flat=True)) == {0}


def test_recent_means_by_the_factor_where_there_is_one(ana: App) -> None:
    client = signed_in(ana.user)
    body = {"email": "new@example.com", "roles": ["Editor"]}
    Session.objects.update(reauth_amr=["pwd"])
    assert outcome(client.post("/api/auth/invites", body)) == (403, "reauth_required")
    assert again(client, code=ana.code()).status_code == 200
    assert client.post("/api/auth/invites", body).status_code == 201
    age(300)
    assert outcome(client.post("/api/auth/invites", body | {"email": "b@example.com"})) == (403, "reauth_required")
