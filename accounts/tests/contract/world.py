"""The table's rows, and the people and things that they are acted out with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.actions import acceptance, enrollment, invites, password_resets, sign_in
from accounts.actions.challenges import ChallengeIssued
from accounts.actions.enrollment import EnrollmentNeeded
from accounts.models import Invite, User
from accounts.tests import factories, factors
from accounts.tests.factories import PASSWORD
from accounts.tests.factors import App
from accounts.tests.test_flow import link_token
from accounts.tests.test_passwords import link_token as reset_link_token
from common.actor import Actor
from common.clock import db_now
from config.rates import Rate

A = "/api/auth/"
NEW_PASSWORD = "violet-tractor-lagoon-58"
NO_ID = "0193a1b2-0000-7000-8000-000000000000"
VISITOR = Actor.system("visitor")


@dataclass(frozen=True)
class Case:
    """One row: who does what is `act`; `events` are all audit events that it leaves, in order."""

    operation: str
    name: str
    status: int
    code: str
    events: tuple[str, ...]
    act: Callable[["World"], Any]

    @property
    def id(self) -> str:
        """The row's name in the test report."""
        return f"{self.operation}-{self.name or self.code or self.status}"


CASES: list[Case] = []


def case(
    operation: str, status: int, code: str = "", *, events: tuple[str, ...] = (), name: str = ""
) -> Callable[[Callable[["World"], Any]], Callable[["World"], Any]]:
    """Register a row. Its function prepares, calls `w.mark()` and returns the response."""

    def register(act: Callable[["World"], Any]) -> Callable[["World"], Any]:
        CASES.append(Case(operation, name, status, code, events, act))
        return act

    return register


@dataclass
class World:
    """A system with its roles written; people appear when they are asked for."""

    settings: Any
    patch: pytest.MonkeyPatch
    mark: Callable[[], None]
    extra: dict[str, Any] = field(default_factory=dict)

    def client(self) -> APIClient:
        """A client that is nobody."""
        client = APIClient()
        client.default_format = "json"
        return client

    @cached_property
    def owner(self) -> User:
        """An Owner without a second factor."""
        return factories.make_user("owner@example.com")

    @cached_property
    def signed(self) -> APIClient:
        """The Owner, signed in a moment ago."""
        return factories.sign_in(self.owner)

    @cached_property
    def app(self) -> App:
        """The Owner's app: from here on the Owner has a factor."""
        return factors.give_app(self.owner)

    @cached_property
    def proven(self) -> APIClient:
        """The Owner, signed in with password and app."""
        self.app  # noqa: B018 - makes it
        return factors.signed_in(self.owner)

    def stale(self, client: APIClient) -> APIClient:
        """The client once its confirmation is too old."""
        self.owner.sessions.update(reauth_at=db_now().replace(year=2020))
        return client

    def limit(self, name: str, count: int = 1) -> None:
        """Give a limit a rate for this row; its store is memory."""
        self.settings.RATES = {**self.settings.RATES, name: Rate(count, 86_400)}

    def login(self, **headers: Any) -> dict[str, Any]:
        """The Owner's token pair by password."""
        body = {"email": self.owner.email, "password": PASSWORD}
        pair: dict[str, Any] = self.client().post(A + "login", body, **headers).json()
        return pair

    def invite(self, roles: tuple[str, ...] = ("Editor",)) -> Invite:
        """A pending invitation of the Owner's."""
        return invites.create(email="ben@example.com", roles=list(roles), by=Actor.staff(self.owner))

    def invite_token(self) -> str:
        """A pending invitation's token."""
        self.invite()
        return link_token("ben@example.com")

    def accept(self, token: str) -> acceptance.Accepted:
        """Use an invitation up."""
        return acceptance.accept(token=token, password=NEW_PASSWORD, by=VISITOR)

    def enrollment(self) -> EnrollmentNeeded:
        """The Owner's right to enrol without being signed in."""
        return enrollment.issue(user=self.owner, now=db_now())

    def challenge(self) -> str:
        """A challenge of the Owner, who has an app."""
        self.app  # noqa: B018 - makes it
        step = sign_in.at_door(email=self.owner.email, password=PASSWORD, by=VISITOR)
        assert isinstance(step, ChallengeIssued)
        return step.token

    def reset_token(self) -> str:
        """A link of the Owner's that sets a password."""
        password_resets.issue(email=self.owner.email, by=VISITOR)
        return reset_link_token(self.owner.email)

    def no_keys(self) -> None:
        """Production whose release made no key: nobody can sign."""
        self.settings.PRODUCTION = True
