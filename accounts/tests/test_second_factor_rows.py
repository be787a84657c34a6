"""What the tables of the second factor refuse."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.actions import expiry
from accounts.models import BackupCode, LoginChallenge, PasswordReset, SecondFactor, User
from accounts.tests import factors
from accounts.tests.factors import App, challenge
from common import clock
from common.actor import Actor
from config.rates import DEFAULTS

pytestmark = pytest.mark.django_db


def factor(user: User, **values: Any) -> SecondFactor:
    now = clock.db_now()
    return SecondFactor.objects.create(
        user=user, secret_ciphertext=b"x", created_at=now, **{"expires_at": now, **values}
    )


def refused(constraint: str, act: Any) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        act()


def test_one_confirmed_and_one_pending_factor_a_user(ana: App) -> None:
    now = clock.db_now()
    factor(ana.user)
    refused("second_factor_one_pending_a_user", lambda: factor(ana.user))
    confirmed = {"confirmed": True, "confirmed_at": now, "expires_at": None}
    refused("second_factor_one_confirmed_a_user", lambda: factor(ana.user, **confirmed))
    assert SecondFactor.objects.count() == 2


def test_a_factor_is_pending_or_confirmed_and_nothing_between(owner: User) -> None:
    now = clock.db_now()
    for values in (
        {"confirmed": True},
        {"confirmed": True, "expires_at": None},
        {"confirmed": True, "confirmed_at": now},
        {"expires_at": None},
        {"confirmed_at": now},
    ):
        refused("second_factor_pending_or_confirmed", lambda values=values: factor(owner, **values))


def test_a_batch_has_its_time(owner: User) -> None:
    refused("second_factor_batch_with_time", lambda: factor(owner, batch=1))
    refused("second_factor_batch_with_time", lambda: factor(owner, backup_codes_created_at=clock.db_now()))


def test_one_selector_a_batch(ana: App) -> None:
    factors.give_codes(ana.user)
    row = BackupCode.objects.first()
    assert row is not None
    row.pk = None
    refused("backup_code_one_selector_a_batch", row.save)


def test_a_challenge_and_a_reset_end_one_way(ana: App) -> None:
    challenge(ana.user)
    now = clock.db_now()
    refused("login_challenge_one_end", lambda: LoginChallenge.objects.update(consumed_at=now, superseded_at=now))
    values = {"user": ana.user, "token_hash": b"h" * 32, "pepper_id": "p", "created_at": now, "expires_at": now}
    refused(
        "password_reset_one_end",
        lambda: PasswordReset.objects.create(**values, used_at=now, superseded_at=now),
    )


def test_what_is_over_is_deleted_a_day_later(ana: App) -> None:
    challenge(ana.user)
    ben = factors.colleague()
    pending = factor(ben.user, expires_at=clock.db_now() + timedelta(minutes=10))
    expiry.run(now=clock.db_now(), by=Actor.operator())
    assert LoginChallenge.objects.count() == 1
    assert SecondFactor.objects.filter(pk=pending.pk).exists()

    with clock.shift(86400 + 601):
        counts = expiry.run(now=clock.db_now(), by=Actor.operator())
    assert (counts["challenges_deleted"], counts["pending_factors_deleted"]) == (1, 1)
    assert not LoginChallenge.objects.exists()
    assert SecondFactor.objects.filter(confirmed=True).count() == SecondFactor.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("VERIFY_SECOND_FACTOR_IP", "30/m"),
        ("VERIFY_SECOND_FACTOR_USER", "10/15m"),
        ("REAUTHENTICATE_USER", "5/5m"),
        ("ENROLL_SECOND_FACTOR_USER", "5/h"),
        ("DISABLE_SECOND_FACTOR_USER", "5/h"),
        ("REGENERATE_BACKUP_CODES_USER", "5/h"),
        ("LIST_USERS_USER", "60/m"),
        ("RESET_SECOND_FACTOR_USER", "10/h"),
        ("REVOKE_USER_SESSIONS_USER", "30/h"),
    ],
)
def test_the_limits_unless_told_otherwise(name: str, rate: str) -> None:
    assert DEFAULTS[name] == rate
