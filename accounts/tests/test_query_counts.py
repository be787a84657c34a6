"""What the busiest acts of sign-in ask the database, counted exactly."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from rest_framework.test import APIClient

from accounts import selectors, standing
from accounts.actions import guesses
from accounts.constants import REFRESH_AUDIT_EVERY, ROLES
from accounts.models import GuessCounter, User
from accounts.tests import factories, factors
from accounts.tests.factories import PASSWORD
from common.clock import db_now
from common.errors import RateLimited

pytestmark = pytest.mark.django_db
REFRESH = "/api/auth/refresh"


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements of a block, without those that begin and end transactions, which tests turn into savepoints."""
    found: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "SAVEPOINT" not in sql:
            found.append(" ".join(sql.split()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield found


def test_a_refresh_is_three_statements(api: APIClient, owner: User) -> None:
    raw = api.post("/api/auth/login", {"email": owner.email, "password": PASSWORD}).json()["refresh"]
    raw = api.post(REFRESH, {"refresh": raw}).json()["refresh"]  # the first of a session is written down

    with statements() as found:
        assert api.post(REFRESH, {"refresh": raw}).status_code == 200

    assert [one.split()[0] for one in found] == ["SELECT", "WITH", "SELECT"]  # look, rotate, tell the user's standing
    assert not any("FOR NO KEY UPDATE" in one for one in found)  # its UPDATE is the lock


def test_one_refresh_of_twenty_adds_the_audit_event(api: APIClient, owner: User) -> None:
    raw = api.post("/api/auth/login", {"email": owner.email, "password": PASSWORD}).json()["refresh"]
    counts = []
    for _ in range(REFRESH_AUDIT_EVERY + 1):
        with statements() as found:
            raw = api.post(REFRESH, {"refresh": raw}).json()["refresh"]
        counts.append(len(found))

    assert counts == [4, *[3] * (REFRESH_AUDIT_EVERY - 1), 4]


def test_a_repeated_refresh_looks_closely(api: APIClient, owner: User) -> None:
    raw = api.post("/api/auth/login", {"email": owner.email, "password": PASSWORD}).json()["refresh"]
    api.post(REFRESH, {"refresh": raw})

    with statements() as found:
        assert api.post(REFRESH, {"refresh": raw}).status_code == 200

    # look, try, lock, token, clock, child, count the retry, write it down, standing
    assert len(found) == 9
    assert sum("FOR NO KEY UPDATE" in one for one in found) == 1


@pytest.mark.parametrize("roles", [[], *([name] for name in ROLES), list(ROLES)])
def test_a_standing_is_what_django_says_in_one_query(roles: list[str]) -> None:
    user = factories.make_user("who@example.com", held=tuple(roles))
    user.user_permissions.add(Permission.objects.get(codename="view_keys"))
    present = User.objects.get(pk=user.pk)

    with statements() as found:
        told = standing.of(present)

    assert len(found) == 1
    assert told.roles == selectors.roles_of(present) == sorted(roles)
    assert told.permissions == sorted(present.get_all_permissions())
    assert "accounts.view_keys" in told.permissions
    assert told.methods == selectors.factor_methods(present) == []


@pytest.mark.parametrize(("is_superuser", "is_active"), [(True, True), (True, False), (False, False)])
def test_a_standing_of_unusual_users_is_djangos_too(is_superuser: bool, is_active: bool) -> None:
    user = factories.make_user("who@example.com", held=(ROLES[0],))
    User.objects.filter(pk=user.pk).update(is_superuser=is_superuser, is_active=is_active)
    present = User.objects.get(pk=user.pk)

    told = standing.of(present)

    assert told.permissions == sorted(present.get_all_permissions())
    assert bool(told.permissions) is is_active


def test_a_standing_knows_the_factor_and_the_codes_of_its_batch() -> None:
    user = factories.make_user("who@example.com")
    Group.objects.create(name="An odd, [named] one").user_set.add(user)
    factors.give_app(user)
    assert standing.of(user).methods == selectors.factor_methods(user) == ["totp"]
    factors.give_codes(user)
    assert standing.of(user).methods == selectors.factor_methods(user) == ["totp", "backup_code"]
    assert standing.of(user).roles == selectors.roles_of(user)


def test_a_backup_code_is_two_transactions_of_a_known_length() -> None:
    user = factories.make_user("who@example.com")
    factors.give_app(user)
    code, *_others = factors.give_codes(user)
    token = factors.challenge(user)

    with statements() as found:
        assert factors.answer(factors.BACKUP, token, code).status_code == 200

    asked = [one.split()[0] for one in found]
    assert asked[:3] == ["SELECT", "INSERT", "SELECT"]  # challenge and clock; count the guess; the code to compare
    assert asked[3:7] == ["SELECT"] * 4  # challenge, user and factor locked in this order; the clock
    assert sum("FOR NO KEY UPDATE" in one for one in found) == 3
    assert asked[7:12] == ["UPDATE", "UPDATE", "DELETE", "SELECT", "INSERT"]  # code, challenge, guesses, left, audit
    assert asked[12:17] == ["SELECT", "INSERT", "SELECT", "SELECT", "INSERT"]  # the mail and its job
    assert asked[17:] == ["INSERT", "INSERT", "UPDATE", "INSERT", "SELECT"]  # session, token, user, audit; standing
    assert sum("accounts_backupcode" in one for one in found) == 4


def test_all_guesses_of_an_attempt_are_counted_by_one_statement() -> None:
    rules = [
        guesses.Rule(name, name.encode(), limit, seconds) for name, limit, seconds in (("b", 1, 60), ("a", 2, None))
    ]
    now = db_now()

    with statements() as found:
        guesses.begin(rules=rules, now=now)
    assert len(found) == 1
    with pytest.raises(RateLimited) as refusal:
        guesses.begin(rules=rules, now=now)
    assert refusal.value.retry_after == 60
    assert dict(GuessCounter.objects.values_list("rule", "count")) == {"a": 1, "b": 1}
