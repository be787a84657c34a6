"""Signing in: one answer for every kind of wrong, one hash, counters that hold."""

from typing import Any

import pytest
from django.contrib.auth import hashers
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.actions import expiry, passwords
from accounts.models import EnrollmentToken, GuessCounter, KnownNetwork, Session, User
from accounts.tests import factories
from accounts.tests.factories import PASSWORD
from audit.models import AuditEvent
from common import clock
from common.actor import Actor
from common.errors import LimiterUnavailable
from config.rates import Rate

pytestmark = pytest.mark.django_db
LOGIN = "/api/auth/login"


def guess(api: APIClient, email: str = "owner@example.com", password: str = "wrong-password", **extra: Any) -> Any:
    return api.post(LOGIN, {"email": email, "password": password}, **extra)


def test_unknown_wrong_inactive_and_unusable_are_one_answer(
    api: APIClient, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.make_user("closed@example.com", is_active=False)
    unusable = factories.make_user("unusable@example.com")
    unusable.set_unusable_password()
    unusable.save()
    hashes: list[str] = []
    encode = hashers.MD5PasswordHasher.encode
    monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", lambda *args: hashes.append("one") or encode(*args))

    seen = set()
    for email, password in (
        ("nobody@example.com", PASSWORD),
        ("owner@example.com", "wrong-password"),
        ("closed@example.com", PASSWORD),
        ("unusable@example.com", PASSWORD),
    ):
        hashes.clear()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = guess(api, email, password)
        body = answer.json()
        del body["request_id"]
        writes = [q["sql"].split()[0] for q in queries if q["sql"].split()[0] in {"INSERT", "UPDATE", "DELETE"}]
        headers = {name: value for name, value in answer.items() if name != "X-Request-ID"}
        seen.add((answer.status_code, str(body), str(headers), len(hashes), tuple(writes)))

    assert len(seen) == 1
    status, body_text, _, hash_count, _ = seen.pop()
    assert (status, hash_count) == (401, 1)
    assert "'code': 'invalid_credentials'" in body_text
    assert not Session.objects.exists()


def test_a_failure_is_audited_without_the_address_of_a_stranger(api: APIClient, owner: User) -> None:
    guess(api, "stranger@example.com")
    guess(api)

    unknown, known = AuditEvent.objects.filter(action="login.failed").order_by("id")
    assert (unknown.target_type, unknown.outcome, unknown.reason) == ("email", "refused", "")
    assert "stranger" not in f"{unknown.target_id} {unknown.target_label} {unknown.meta}"
    assert (known.target_type, known.target_id) == ("accounts.user", str(owner.pk))


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"email": "owner@example.com", "password": 12345678901}, "#/password", "invalid"),
        ({"email": "owner@example.com", "password": ""}, "#/password", "blank"),
        ({"email": "owner@example.com", "password": "a\u0000bcdefghijkl"}, None, None),
        ({"email": "owner@example.com"}, "#/password", "required"),
        ({"email": "owner@example.com", "password": "x", "is_superuser": True}, "#/is_superuser", "unknown_field"),
        ({"email": "not an address", "password": "x"}, "#/email", "email_invalid"),
        ({"email": "owner＠example.com", "password": "x"}, "#/email", "email_invalid"),
    ],
)
def test_malformed_input_is_400(api: APIClient, owner: User, body: Any, pointer: str | None, code: str | None) -> None:
    answer = api.post(LOGIN, body)

    assert answer.status_code == 400
    if pointer:
        assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [(pointer, code)]
    assert not GuessCounter.objects.exists()


def test_spaces_of_a_password_are_kept_and_the_address_is_canonical(api: APIClient, roles: None) -> None:
    factories.make_user("spacy@example.com", password="  two spaces around  ")

    assert guess(api, " Spacy@EXAMPLE.com ", "  two spaces around  ").status_code == 200
    assert guess(api, "spacy@example.com", "two spaces around").status_code == 401


def test_too_many_failures_are_429_and_a_right_password_waits_too(api: APIClient, owner: User, settings: Any) -> None:
    settings.RATES = {**settings.RATES, "LOGIN_IP_ACCOUNT": Rate(5, 60)}

    assert [guess(api).status_code for _ in range(5)] == [401] * 5
    refused = guess(api, password=PASSWORD)
    assert refused.status_code == 429
    assert refused.json()["code"] == "rate_limited"
    assert refused["Retry-After"] == str(refused.json()["retry_after"])
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert AuditEvent.objects.filter(action="login.throttled").count() == 1
    assert guess(api, "other@example.com").status_code == 401
    assert not Session.objects.exists()

    with clock.shift(61):
        assert guess(api, password=PASSWORD).status_code == 200


def test_right_passwords_are_not_counted(api: APIClient, owner: User, settings: Any) -> None:
    settings.RATES = {**settings.RATES, "LOGIN_IP_ACCOUNT": Rate(2, 60), "LOGIN_ACCOUNT": Rate(2, 3600)}

    assert [guess(api, password=PASSWORD).status_code for _ in range(6)] == [200] * 6


def test_failures_of_an_address_are_counted_in_the_volume_limit(
    api: APIClient, owner: User, settings: Any, fresh_cache: None
) -> None:
    settings.RATES = {**settings.RATES, "LOGIN_IP": Rate(3, 60)}
    settings.CACHES = {**settings.CACHES, "limits": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

    for number in range(3):
        assert guess(api, f"a{number}@example.com").status_code == 401
    assert guess(api, password=PASSWORD).status_code == 429
    assert guess(api, password=PASSWORD, REMOTE_ADDR="198.51.100.7").status_code == 200


def test_a_stranger_cannot_close_the_admin_to_whoever_only_uses_that(
    client: Client, api: APIClient, owner: User, settings: Any
) -> None:
    settings.RATES = {**settings.RATES, "LOGIN_ACCOUNT": Rate(3, 3600)}
    home, form = "203.0.113.5", {"email": owner.email, "password": PASSWORD}
    assert client.post("/auth/sign-in", form, REMOTE_ADDR=home).status_code == 303
    Session.objects.all().delete()

    guesses = [guess(api, REMOTE_ADDR=f"198.51.{number}.7").status_code for number in range(4)]
    assert guesses == [401, 401, 401, 429]

    client.logout()
    assert client.post("/auth/sign-in", form, REMOTE_ADDR="192.0.2.1").status_code == 429
    assert client.post("/auth/sign-in", form, REMOTE_ADDR=home).status_code == 303


def test_a_network_is_forgotten_after_thirty_days(api: APIClient, owner: User) -> None:
    assert guess(api, password=PASSWORD).status_code == 200
    assert guess(api, password=PASSWORD).status_code == 200
    assert KnownNetwork.objects.get().network == "127.0.0.0/24"

    with clock.shift(30 * 86400 + 60):
        expiry.run(now=clock.db_now(), by=Actor.operator())
    assert not KnownNetwork.objects.exists()


def test_a_hundred_failures_close_the_account_to_strangers_but_not_to_its_own_network(
    api: APIClient, owner: User
) -> None:
    home = {"REMOTE_ADDR": "203.0.113.5"}
    assert guess(api, password=PASSWORD, **home).status_code == 200
    GuessCounter.objects.all().delete()

    for _ in range(100):
        assert guess(api, REMOTE_ADDR="198.51.100.7").status_code == 401
    locked = guess(api, password=PASSWORD, REMOTE_ADDR="192.0.2.9")
    assert (locked.status_code, locked.json()["code"]) == (401, "invalid_credentials")
    assert guess(api, password=PASSWORD, REMOTE_ADDR="203.0.113.99").status_code == 200
    assert guess(api, password=PASSWORD, REMOTE_ADDR="192.0.2.9").status_code == 200


def test_policy_required_asks_for_enrolment_only_within_its_window(api: APIClient, owner: User, settings: Any) -> None:
    settings.STAFF_TWO_FACTOR = "required"

    closed = guess(api, password=PASSWORD)
    assert (closed.status_code, closed.json()["code"]) == (403, "enrollment_window_closed")
    assert not EnrollmentToken.objects.exists()

    User.objects.update(enrollment_open_until=clock.db_now().replace(year=2100))
    needed = guess(api, password=PASSWORD)
    assert needed.status_code == 200
    assert needed.json() == {
        "status": "2fa_enrollment_required",
        "enrollment_token": needed.json()["enrollment_token"],
        "expires_in": 600,
    }
    assert not Session.objects.exists()


def test_a_session_without_a_factor_is_useless_once_the_policy_wants_one(
    api: APIClient, owner: User, settings: Any
) -> None:
    client = factories.sign_in(owner)
    settings.STAFF_TWO_FACTOR = "required"

    refused = client.get("/api/auth/sessions")
    assert (refused.status_code, refused.json()["code"]) == (403, "two_factor_required")
    assert client.get("/api/auth/me").status_code == 200


def test_an_old_hash_is_upgraded_and_the_session_opens(api: APIClient, owner: User, settings: Any) -> None:
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]

    assert guess(api, password=PASSWORD).status_code == 200
    owner.refresh_from_db()
    assert owner.password.startswith("pbkdf2_sha256$")
    assert owner.last_login is not None


def test_a_password_that_no_hash_was_free_for_does_not_count(
    api: APIClient, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**given: Any) -> bool:
        raise LimiterUnavailable(retry_after=3)

    monkeypatch.setattr(passwords, "matches", full)
    assert [guess(api, password=PASSWORD).status_code for _ in range(6)] == [503] * 6
    monkeypatch.undo()
    assert not GuessCounter.objects.filter(count__gt=0).exists()
    assert guess(api, password=PASSWORD).status_code == 200
