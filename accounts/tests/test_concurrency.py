"""Races with a connection each and a barrier, and what happens without the guard."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts import rotation
from accounts.actions import guesses, invites, refresh
from accounts.models import GuessCounter, Invite, RefreshToken, Session, User
from accounts.tests import factories
from accounts.tests.factories import PASSWORD
from accounts.tests.test_flow import NEW_PASSWORD, link_token
from common.actor import Actor
from common.clock import db_now
from common.errors import RateLimited

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.concurrency]


def together(count: int, act: Callable[[], Any]) -> list[Any]:
    """What `act` returned in `count` threads that started at once, each with its own connection."""
    barrier = threading.Barrier(count)
    results: list[Any] = []

    def run() -> None:
        try:
            connection.ensure_connection()
            barrier.wait(30)
            results.append(act())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == count
    return results


def log_in(owner: User) -> dict[str, Any]:
    client = APIClient()
    body = {"email": owner.email, "password": PASSWORD}
    pair: dict[str, Any] = client.post("/api/auth/login", body, format="json").json()
    return pair


def post_refresh(raw: str) -> Callable[[], tuple[int, str]]:
    def act() -> tuple[int, str]:
        answer = APIClient().post("/api/auth/refresh", {"refresh": raw}, format="json")
        body = answer.json()
        return answer.status_code, body.get("refresh") or body["code"]

    return act


def test_twenty_refreshes_within_grace_get_one_successor() -> None:
    pair = log_in(factories.make_user())

    results = together(20, post_refresh(pair["refresh"]))

    assert {status for status, _ in results} == {200}
    assert len({raw for _, raw in results}) == 1
    assert Session.objects.get().generation == 1
    assert RefreshToken.objects.count() == 2
    assert RefreshToken.objects.get(generation=0).retries == 19


def test_twenty_refreshes_in_strict_mode_give_one_success_and_end_the_family(settings: Any) -> None:
    settings.REFRESH_GRACE_SECONDS = 0
    pair = log_in(factories.make_user())

    results = together(20, post_refresh(pair["refresh"]))

    kinds = Counter("ok" if status == 200 else text for status, text in results)
    assert kinds == {"ok": 1, "refresh_reused": 1, "session_revoked": 18}
    assert Session.objects.get().revoke_reason == "reuse"


def test_without_its_condition_the_family_forks(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the same race, by a rotation that does not ask again what the session is now."""
    settings.REFRESH_GRACE_SECONDS = 0
    pair = log_in(factories.make_user())
    meeting = threading.Barrier(4)
    rotate = refresh._rotate

    def all_at_once(*args: Any) -> Any:
        meeting.wait(10)
        return rotate(*args)

    monkeypatch.setattr(rotation, "ROTATE", rotation.ROTATE.replace(rotation.GUARD, "true"))
    monkeypatch.setattr(refresh, "_rotate", all_at_once)
    client = APIClient(raise_request_exception=False)

    def act() -> int:
        return client.post("/api/auth/refresh", {"refresh": pair["refresh"]}, format="json").status_code

    results = together(4, act)

    # Each saw an unrotated token and went on: three moved the session past it, to tokens that nobody was given.
    assert results.count(200) == 4
    assert Session.objects.get().revoked_at is None


def test_ten_accepts_make_one_user() -> None:
    owner = factories.make_user("owner@example.com")
    invites.create(email="ben@example.com", roles=["Editor"], by=Actor.staff(owner))
    token = link_token("ben@example.com")

    def act() -> tuple[int, str]:
        body = {"token": token, "password": NEW_PASSWORD}
        answer = APIClient().post("/api/auth/invites/accept", body, format="json")
        return answer.status_code, answer.json().get("code", "")

    results = Counter(together(5, act) + together(5, act))

    assert results[(201, "")] == 1
    assert results[(410, "invite_used")] == 9
    assert User.objects.filter(email="ben@example.com").count() == 1
    assert Invite.objects.get().status == "accepted"


@pytest.mark.parametrize("attempt", range(3))
def test_accept_against_revoke_has_one_winner(attempt: int) -> None:
    owner = factories.make_user("owner@example.com")
    invite = invites.create(email="ben@example.com", roles=["Editor"], by=Actor.staff(owner))
    token = link_token("ben@example.com")
    turns = iter(["accept", "revoke"])
    client = factories.sign_in(owner)

    def act() -> tuple[str, int, str]:
        turn = next(turns)
        if turn == "accept":
            body = {"token": token, "password": NEW_PASSWORD}
            answer = APIClient().post("/api/auth/invites/accept", body, format="json")
        else:
            answer = client.post(f"/api/auth/invites/{invite.pk}/revoke")
        return turn, answer.status_code, answer.json().get("code", "") if answer.content else ""

    results = set(together(2, act))

    accepted = {("accept", 201, ""), ("revoke", 409, "invite_already_accepted")}
    revoked = {("accept", 410, "invite_revoked"), ("revoke", 204, "")}
    assert results in (accepted, revoked)
    assert User.objects.filter(email="ben@example.com").exists() == (results == accepted)


def test_a_burst_of_guesses_admits_exactly_the_limit() -> None:
    rule = guesses.Rule("test", b"k" * 32, 5, 60)

    def act() -> bool:
        try:
            guesses.begin(rules=[rule], now=db_now())
        except RateLimited:
            return False
        return True

    assert sum(together(20, act)) == 5
    assert GuessCounter.objects.get().count == 5


def test_without_counting_first_the_burst_slips_through() -> None:
    """The negative control: looking first and counting afterwards lets every guess of the burst pass."""
    meeting = threading.Barrier(10)

    def act() -> bool:
        free = GuessCounter.objects.filter(count__gte=5).count() == 0
        meeting.wait(10)
        guesses.begin(rules=[guesses.Rule("test", b"k" * 32, 100, 60)], now=db_now())
        return free

    assert sum(together(10, act)) == 10
