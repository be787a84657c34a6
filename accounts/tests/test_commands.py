"""Commands and the hourly job."""

import stat
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from rest_framework.test import APIClient

from accounts.actions import expiry, invites, keys
from accounts.keys import ring
from accounts.models import (
    EnrollmentToken,
    GuessCounter,
    Invite,
    RefreshToken,
    SecondFactor,
    Session,
    SigningKey,
    User,
)
from accounts.tests import factories, factors
from accounts.tests.test_flow import NEW_PASSWORD
from audit.models import AuditEvent
from common import clock
from common.actor import Actor
from mail.models import Message

pytestmark = pytest.mark.django_db


def run(*args: str) -> str:
    out = StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


def test_invite_owner_prints_a_link_that_makes_an_owner(api: APIClient, roles: None) -> None:
    printed = run("invite_owner", "Boss@example.com")
    token = printed.rsplit("/auth/invite/", 1)[1].strip()
    assert not Message.objects.exists()

    renewed = run("invite_owner", "boss@example.com").rsplit("/auth/invite/", 1)[1].strip()
    old = api.post("/api/auth/invites/accept", {"token": token, "password": NEW_PASSWORD})
    assert old.json()["code"] == "invite_invalid"
    assert api.post("/api/auth/invites/accept", {"token": renewed, "password": NEW_PASSWORD}).status_code == 201
    assert list(User.objects.get().groups.values_list("name", flat=True)) == ["Owner"]
    with pytest.raises(CommandError, match="already has an account"):
        run("invite_owner", "boss@example.com")


def test_createsuperuser_points_to_invite_owner(db: None) -> None:
    with pytest.raises(CommandError, match="invite_owner EMAIL"):
        run("createsuperuser", "--noinput")
    assert not User.objects.exists()


def test_the_local_owner_is_made_once_and_signs_in(
    api: APIClient, roles: None, settings: Any, tmp_path: Path, tables: Callable[[], str]
) -> None:
    settings.LOCAL, settings.BASE_DIR = True, tmp_path
    printed = run("make_local_owner")
    path = tmp_path / "var" / "login.txt"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    email_line, password_line = path.read_text().splitlines()
    email, password = email_line.removeprefix("email="), password_line.removeprefix("password=")
    assert password not in printed
    assert password not in tables()
    assert api.post("/api/auth/login", {"email": email, "password": password}).json()["user"]["roles"] == ["Owner"]

    run("make_local_owner")
    assert path.read_text().splitlines() == [email_line, password_line]
    assert User.objects.count() == 1


def test_there_is_no_local_owner_elsewhere(roles: None) -> None:
    with pytest.raises(CommandError, match="Only local mode"):
        run("make_local_owner")
    assert not User.objects.exists()


def test_generated_secrets_are_long_and_distinct(db: None) -> None:
    pairs = dict(line.split("=", 1) for line in run("generate_secrets").splitlines())

    assert {"SECRET_KEY", "FIELD_KEY", "JWT_REFRESH_SECRET"} <= set(pairs)
    assert len(set(pairs.values())) == len(pairs)
    assert min(len(value) for value in pairs.values()) == 64


def test_rotation_by_command(settings: Any, db: None) -> None:
    with pytest.raises(CommandError, match="JWT_SECRET"):
        run("rotate_signing_key")
    settings.PRODUCTION = True
    first = keys.ensure(by=Actor.operator())
    assert first is not None
    assert "signs from" in run("rotate_signing_key", "--now")
    assert ring.current().signer(clock.db_now()).kid != first.kid


def test_the_hourly_job_ends_and_deletes_what_is_over(api: APIClient, owner: User) -> None:
    invites.create(email="late@example.com", roles=["Editor"], by=Actor.staff(owner))
    factories.sign_in(owner)
    api.post("/api/auth/login", {"email": owner.email, "password": "wrong"})
    now = clock.db_now()
    key = SigningKey.objects.create(
        kid="old",
        public_jwk={},
        private_ciphertext=b"sealed",
        published_at=now,
        activates_at=now,
        retires_at=now + timedelta(hours=1),
        gone_at=now + timedelta(hours=2),
    )

    def counts(days: float) -> tuple[int, int, int, str, bool]:
        expiry.run(now=now + timedelta(days=days), by=Actor.system("job"))
        key.refresh_from_db()
        status = Invite.objects.get().status if Invite.objects.exists() else "deleted"
        return (
            Session.objects.count(),
            RefreshToken.objects.count(),
            EnrollmentToken.objects.count(),
            status,
            key.private_ciphertext is None,
        )

    assert counts(0) == (1, 1, 0, "pending", False)
    assert counts(3.1) == (1, 1, 0, "expired", True)
    assert counts(14.5) == (1, 1, 0, "expired", True)
    assert counts(30.5) == (0, 0, 0, "expired", True)
    assert counts(366) == (0, 0, 0, "deleted", True)
    assert GuessCounter.objects.filter(window_ends_at__isnull=False).count() == 0


class TestConstraints:
    """The database refuses what makes no sense."""

    @pytest.mark.parametrize(
        "values",
        [
            {"revoked_at": None, "revoke_reason": "logout"},
            {"revoke_reason": "", "revoked_at": "now"},
            {"idle_expires_at": "far"},
        ],
    )
    def test_sessions(self, owner: User, values: dict[str, Any]) -> None:
        factories.sign_in(owner)
        now = clock.db_now()
        real = {"now": now, "far": now + timedelta(days=400)}
        with pytest.raises(IntegrityError), transaction.atomic():
            Session.objects.update(**{name: real.get(value, value) for name, value in values.items()})

    @pytest.mark.parametrize("values", [{"rotated_at": "now"}, {"nonce": b"n" * 16}])
    def test_refresh_tokens(self, owner: User, values: dict[str, Any]) -> None:
        factories.sign_in(owner)
        now = clock.db_now()
        with pytest.raises(IntegrityError), transaction.atomic():
            RefreshToken.objects.update(**{name: now if value == "now" else value for name, value in values.items()})

    @pytest.mark.parametrize("values", [{"status": "accepted"}, {"status": "revoked"}])
    def test_invites(self, owner: User, values: dict[str, Any]) -> None:
        invites.create(email="ben@example.com", roles=["Editor"], by=Actor.staff(owner))
        with pytest.raises(IntegrityError), transaction.atomic():
            Invite.objects.update(**values)

    def test_one_pending_invitation_an_address(self, owner: User) -> None:
        invite = invites.create(email="ben@example.com", roles=["Editor"], by=Actor.staff(owner))
        invite.pk, invite.token_hash = None, b"x" * 32
        with pytest.raises(IntegrityError), transaction.atomic():
            invite.save(force_insert=True)

    @pytest.mark.parametrize("values", [{"activates_at": -1}, {"gone_at": 1}, {"retires_at": 2, "gone_at": 1}])
    def test_signing_keys(self, db: None, values: dict[str, int]) -> None:
        now = clock.db_now()
        times = {"published_at": now, "activates_at": now}
        times |= {name: now + timedelta(hours=hours) for name, hours in values.items()}
        with pytest.raises(IntegrityError), transaction.atomic():
            SigningKey.objects.create(kid="k", public_jwk={}, **times)

    def test_one_counter_a_key(self, db: None) -> None:
        GuessCounter.objects.create(rule="r", key=b"k", count=1, updated_at=clock.db_now())
        with pytest.raises(IntegrityError), transaction.atomic():
            GuessCounter.objects.create(rule="r", key=b"k", count=1, updated_at=clock.db_now())


def test_a_second_factor_is_reset_from_the_shell_also_of_the_last_owner(owner: User) -> None:
    factors.give_app(owner)
    client = factors.signed_in(owner)

    said = run("reset_second_factor", " Owner@Example.com ", "--reason", "phone lost")

    assert said == "owner@example.com may sign in by password and enrol a new factor for 72 hours.\n"
    assert not SecondFactor.objects.exists()
    assert client.get("/api/auth/me").status_code == 401
    owner.refresh_from_db()
    assert owner.enrollment_open_until is not None
    event = AuditEvent.objects.get(action="2fa.reset_by_admin")
    assert (event.actor_kind, event.target_id, event.reason) == ("operator", str(owner.pk), "phone lost")
    assert Message.objects.filter(template="accounts/second_factor_reset", to=owner.email).count() == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nobody@example.com", "--reason", "lost"], "No account has this address"),
        (["owner@example.com"], "--reason"),
        (["owner@example.com", "--reason", "  "], "Say why"),
        (["nonsense", "--reason", "lost"], "Write an address"),
    ],
)
def test_a_reset_that_cannot_be_is_refused(owner: User, arguments: list[str], words: str) -> None:
    factors.give_app(owner)
    with pytest.raises(CommandError, match=words):
        run("reset_second_factor", *arguments)
    assert SecondFactor.objects.count() == 1
