"""Every row of the contract's tables answers with exactly its status and code and writes exactly its events.

What all operations share (credentials, body, headers, outages) is driven over every operation. From both follows the
set of codes that each operation may give, and the API's description lists these and no more.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from django.core.cache import caches
from django.db import OperationalError
from django.urls import resolve
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from accounts import hashers
from accounts.models import Session, User
from accounts.tests import factories, factors
from accounts.tests.contract import factors as factor_cases
from accounts.tests.contract import invites as invite_cases
from accounts.tests.contract import passwords as password_cases
from accounts.tests.contract import sessions as session_cases
from accounts.tests.contract.world import CASES, NEW_PASSWORD, NO_ID, A, Case, World
from accounts.tests.factories import PASSWORD
from audit.models import AuditEvent
from bookings.tests.factories import bearer, make_booking
from common import clock, limits
from jobs.models import Job
from mail.models import Message

pytestmark = pytest.mark.django_db
PARTS = (factor_cases, invite_cases, password_cases, session_cases)


class Operation(NamedTuple):
    """How to call one, and who may: `staff`, `open` (also without the factor), `either` (or a token), `public`."""

    method: str
    path: str
    who: str = "public"
    body: dict[str, Any] | None = None
    query: bool = False


PERSON = f"{A}users/{NO_ID}"
OPERATIONS = {
    "createInvite": Operation("post", f"{A}invites", "staff", {"email": "ben@example.com", "roles": ["Editor"]}),
    "listInvites": Operation("get", f"{A}invites", "staff", query=True),
    "resendInvite": Operation("post", f"{A}invites/{NO_ID}/resend", "staff"),
    "revokeInvite": Operation("post", f"{A}invites/{NO_ID}/revoke", "staff"),
    "inspectInvite": Operation("post", f"{A}invites/inspect", body={"token": "iv_x"}),
    "acceptInvite": Operation("post", f"{A}invites/accept", body={"token": "iv_x", "password": NEW_PASSWORD}),
    "login": Operation("post", f"{A}login", body={"email": "owner@example.com", "password": PASSWORD}),
    "verifySecondFactor": Operation("post", f"{A}2fa/verify", body={"challenge_token": "ch_x", "code": "123456"}),
    "verifyBackupCode": Operation("post", f"{A}2fa/backup/verify", body={"challenge_token": "ch_x", "code": "1"}),
    "refresh": Operation("post", f"{A}refresh", body={"refresh": "rt_x"}),
    "logout": Operation("post", f"{A}logout", body={"refresh": "rt_x"}),
    "logoutAll": Operation("post", f"{A}logout-all", "staff", {}),
    "listSessions": Operation("get", f"{A}sessions", "staff", query=True),
    "revokeSession": Operation("delete", f"{A}sessions/{NO_ID}", "staff"),
    "getMe": Operation("get", f"{A}me", "open"),
    "reauthenticate": Operation("post", f"{A}reauthenticate", "open", {"password": PASSWORD}),
    "getSecondFactor": Operation("get", f"{A}2fa", "staff", query=True),
    "enrollSecondFactor": Operation("post", f"{A}2fa/enroll", "either", {}),
    "confirmSecondFactor": Operation(
        "post", f"{A}2fa/enroll/confirm", "either", {"enrollment_id": NO_ID, "code": "123456"}
    ),
    "disableSecondFactor": Operation("post", f"{A}2fa/disable", "staff", {}),
    "regenerateBackupCodes": Operation("post", f"{A}2fa/backup/regenerate", "staff", {}),
    "listUsers": Operation("get", f"{A}users", "staff", query=True),
    "resetSecondFactor": Operation("post", f"{PERSON}/2fa/reset", "staff", {"reason": "lost"}),
    "revokeUserSessions": Operation("post", f"{PERSON}/sessions/revoke", "staff"),
    "changePassword": Operation(
        "post", f"{A}password/change", "staff", {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    ),
    "requestPasswordReset": Operation("post", f"{A}password/reset", body={"email": "owner@example.com"}),
    "confirmPasswordReset": Operation("post", f"{A}password/reset/confirm", body={"token": "pr_x", "password": "x"}),
    "getJwks": Operation("get", f"{A}jwks.json", query=True),
}  # fmt: skip
CREDENTIALS = {
    (401, "not_authenticated"), (401, "token_invalid"), (401, "token_expired"), (401, "session_revoked"),
    (401, "user_inactive"), (403, "permission_denied"),
}  # fmt: skip
BODY = {(400, "malformed_json"), (400, "validation_error"), (413, "payload_too_large"), (415, "unsupported_media_type")}
ALWAYS = {(405, "method_not_allowed"), (406, "not_acceptable"), (500, "internal_error"), (503, "database_unavailable")}
# Volume by address that is closed while its store is away, and operations that hash and may wait in vain for a slot.
CLOSED = {
    "inspectInvite", "acceptInvite", "login", "verifySecondFactor", "verifyBackupCode", "requestPasswordReset",
    "confirmPasswordReset",
}  # fmt: skip
HASHING = {"changePassword", "reauthenticate", "regenerateBackupCodes", "confirmSecondFactor"}


@pytest.fixture
def world(settings: Any, monkeypatch: pytest.MonkeyPatch, roles: None) -> World:
    store = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "contract"}
    settings.CACHES = {**settings.CACHES, "limits": store}
    caches["limits"].clear()
    seen: list[int] = []

    def mark() -> None:
        seen[:] = [AuditEvent.objects.count()]

    made = World(settings, monkeypatch, mark)
    made.extra["before"] = seen
    return made


def answer_of(response: Any) -> tuple[int, str]:
    body = response.json() if response.content else {}
    return response.status_code, body.get("code", "")


@pytest.mark.parametrize("row", CASES, ids=lambda row: row.id)
def test_a_row_of_the_contract(world: World, row: Case) -> None:
    response = row.act(world)

    assert answer_of(response) == (row.status, row.code)
    (before,) = world.extra["before"]
    assert tuple(AuditEvent.objects.order_by("pk").values_list("action", flat=True)[before:]) == row.events
    if row.operation != "getJwks" or row.status != 200:
        assert response["Cache-Control"] == "no-store"
        assert response["Referrer-Policy"] == "no-referrer"
    if row.operation != "getJwks":
        assert {"Origin", "Cookie", "Authorization"} <= {name.strip() for name in response["Vary"].split(",")}
    if row.status in {429, 503}:
        assert response["Retry-After"] == str(response.json()["retry_after"])
        assert int(response["Retry-After"]) >= 1


def test_every_operation_has_a_row_and_every_row_an_operation() -> None:
    described = {name for name, _ in _described()}
    assert {row.operation for row in CASES} == set(OPERATIONS) == described
    assert len({row.id for row in CASES}) == len(CASES)


def call(operation: Operation, client: APIClient, **extra: Any) -> Any:
    arguments = {} if operation.body is None else {"data": operation.body}
    return getattr(client, operation.method)(operation.path, **arguments, **extra)


def signed(operation: Operation) -> APIClient:
    """Somebody whom the operation lets through."""
    client = APIClient(raise_request_exception=False)
    client.default_format = "json"
    return client if operation.who == "public" else factories.sign_in(factories.make_user("owner@example.com"), client)


every = pytest.mark.parametrize("name", OPERATIONS)
with_body = pytest.mark.parametrize("name", [name for name, one in OPERATIONS.items() if one.body is not None])
with_bearer = pytest.mark.parametrize("name", [name for name, one in OPERATIONS.items() if one.who != "public"])


class TestCredentials:
    """What every operation that takes a JWT answers without a good one."""

    @with_bearer
    @pytest.mark.parametrize(
        ("header", "code"),
        [("", "not_authenticated"), ("Bearer nonsense", "token_invalid"), ("Bearer rt_" + "A" * 43, "token_invalid")],
    )
    def test_none_and_bad(self, world: World, name: str, header: str, code: str) -> None:
        extra = {"HTTP_AUTHORIZATION": header} if header else {}
        assert answer_of(call(OPERATIONS[name], world.client(), **extra)) == (401, code)

    @with_bearer
    def test_expired(self, world: World, name: str) -> None:
        client = signed(OPERATIONS[name])
        with clock.shift(301):
            assert answer_of(call(OPERATIONS[name], client)) == (401, "token_expired")

    @with_bearer
    def test_revoked_and_closed(self, world: World, name: str) -> None:
        client = signed(OPERATIONS[name])
        Session.objects.update(revoked_at=clock.db_now(), revoke_reason="revoked")
        assert answer_of(call(OPERATIONS[name], client)) == (401, "session_revoked")
        User.objects.update(is_active=False)
        assert answer_of(call(OPERATIONS[name], client)) == (401, "user_inactive")

    @with_bearer
    def test_a_customer_may_not(self, world: World, name: str) -> None:
        customer = bearer(make_booking())
        assert answer_of(call(OPERATIONS[name], world.client(), **customer)) == (403, "permission_denied")

    @pytest.mark.parametrize(
        "name", [name for name, one in OPERATIONS.items() if one.who in {"staff", "open", "either"}]
    )
    def test_the_policy_leaves_four_open(self, world: World, name: str) -> None:
        client = signed(OPERATIONS[name])
        world.settings.STAFF_TWO_FACTOR = "required"
        refused = answer_of(call(OPERATIONS[name], client)) == (403, "two_factor_required")
        assert refused == (OPERATIONS[name].who == "staff")

    @pytest.mark.parametrize(
        "name",
        ["createInvite", "listInvites", "resendInvite", "revokeInvite", "listUsers", "resetSecondFactor",
         "revokeUserSessions"],
    )  # fmt: skip
    def test_a_colleague_without_the_permission_may_not(self, world: World, name: str) -> None:
        client = factories.sign_in(factories.make_user("author@example.com", held=("Author",)))
        assert answer_of(call(OPERATIONS[name], client)) == (403, "permission_denied")


class TestRequests:
    """What is wrong with a request before anyone looks at what it says."""

    @with_body
    @pytest.mark.parametrize(
        ("raw", "kind", "expected"),
        [
            (b"{", "application/json", (400, "malformed_json")),
            (b'{"surplus": 1}', "application/json", (400, "validation_error")),
            (b'{"a": "' + b"x" * 17_000 + b'"}', "application/json", (413, "payload_too_large")),
            (b"a=1", "application/x-www-form-urlencoded", (415, "unsupported_media_type")),
        ],
    )
    def test_bodies(self, world: World, name: str, raw: bytes, kind: str, expected: tuple[int, str]) -> None:
        operation = OPERATIONS[name]
        client = signed(operation)
        if name == "regenerateBackupCodes":
            factors.give_app(User.objects.get())
            client = factors.signed_in(User.objects.get())
        assert answer_of(client.generic("POST", operation.path, raw, content_type=kind)) == expected

    @pytest.mark.parametrize("name", [name for name, one in OPERATIONS.items() if one.query])
    def test_queries(self, world: World, name: str) -> None:
        operation = OPERATIONS[name]
        assert answer_of(signed(operation).get(f"{operation.path}?surplus=1")) == (400, "validation_error")

    @every
    def test_methods_and_types(self, world: World, name: str) -> None:
        operation = OPERATIONS[name]
        client = signed(operation)
        assert answer_of(client.put(operation.path, {})) == (405, "method_not_allowed")
        assert answer_of(call(operation, client, HTTP_ACCEPT="text/html")) == (406, "not_acceptable")


class TestOutages:
    """What is answered when something underneath is away."""

    @every
    @pytest.mark.parametrize(
        ("fault", "expected"),
        [(RuntimeError("ours"), (500, "internal_error")), (OperationalError("away"), (503, "database_unavailable"))],
    )
    def test_faults(
        self, world: World, monkeypatch: pytest.MonkeyPatch, name: str, fault: Exception, expected: tuple[int, str]
    ) -> None:
        operation = OPERATIONS[name]
        client = signed(operation)

        def fail(*_: Any, **__: Any) -> Any:
            raise fault

        monkeypatch.setattr(resolve(operation.path).func.view_class, operation.method, fail)  # type: ignore[attr-defined]
        assert answer_of(call(operation, client)) == expected

    @pytest.mark.parametrize("name", sorted(CLOSED))
    def test_the_store_of_limits(self, world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        def away(*_: Any, **__: Any) -> Any:
            raise ConnectionError("away")

        world.limit("LOGIN_IP")
        for limit in ("INSPECT_INVITE_IP", "ACCEPT_INVITE_IP", "VERIFY_SECOND_FACTOR_IP"):
            world.limit(limit)
        for limit in ("REQUEST_PASSWORD_RESET_IP", "CONFIRM_PASSWORD_RESET_IP"):
            world.limit(limit)
        monkeypatch.setattr(limits, "_usage", away)
        monkeypatch.setattr(limits, "EMERGENCY_PER_MINUTE", 0)
        assert answer_of(call(OPERATIONS[name], world.client())) == (503, "limiter_unavailable")
        assert not Job.objects.exists()
        assert not Message.objects.exists()

    @pytest.mark.parametrize("name", sorted(HASHING))
    def test_no_slot_for_a_hash(self, world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        client, call_it = self._about_to_hash(world, name)
        world.settings.PASSWORD_HASHERS = ["accounts.hashers.StaffArgon2Hasher", *world.settings.PASSWORD_HASHERS]
        monkeypatch.setattr(hashers, "SLOT_WAIT_SECONDS", 0.01)
        monkeypatch.setattr(hashers, "_slots", FullHouse())
        assert answer_of(call_it(client)) == (503, "limiter_unavailable")

    def _about_to_hash(self, world: World, name: str) -> tuple[APIClient, Callable[[APIClient], Any]]:
        if name == "regenerateBackupCodes":
            return world.proven, lambda client: call(OPERATIONS[name], client)
        if name == "confirmSecondFactor":
            begun = world.signed.post(f"{A}2fa/enroll", {}).json()
            body = {"enrollment_id": begun["enrollment_id"], "code": factor_cases.code_for(begun)}
            return world.signed, lambda client: client.post(f"{A}2fa/enroll/confirm", body)
        return world.signed, lambda client: call(OPERATIONS[name], client)


class FullHouse:
    """Slots of which none becomes free."""

    def acquire(self, timeout: float | None = None) -> bool:
        """Never."""
        return False

    def release(self) -> None:
        """Nothing was taken."""


def expected_codes(name: str) -> set[tuple[int, str]]:
    """Every code that the tests of this file saw an operation give."""
    operation = OPERATIONS[name]
    found = {(row.status, row.code) for row in CASES if row.operation == name and row.code} | ALWAYS
    if operation.body is not None:
        found |= BODY
    if operation.query:
        found.add((400, "validation_error"))
    if operation.who != "public":
        found |= CREDENTIALS
    if operation.who == "staff":
        found.add((403, "two_factor_required"))
    if name in CLOSED | HASHING:
        found.add((503, "limiter_unavailable"))
    return found


def _described() -> Iterator[tuple[str, set[tuple[int, str]]]]:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    for path, methods in schema["paths"].items():
        if path.startswith(A):
            for description in methods.values():
                yield description["operationId"], set(_codes(description))


def _codes(description: dict[str, Any]) -> Iterator[tuple[int, str]]:
    for status, response in description["responses"].items():
        problem = response.get("content", {}).get("application/problem+json")
        if problem:
            for code in problem["schema"]["allOf"][1]["properties"]["code"]["enum"]:
                yield int(status), code


def test_the_description_lists_every_code_that_was_seen_and_no_more() -> None:
    described = dict(_described())
    assert {name: sorted(codes) for name, codes in described.items()} == {
        name: sorted(expected_codes(name)) for name in OPERATIONS
    }


def test_the_description_lists_every_success_that_was_seen_and_no_more() -> None:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    successes = {
        description["operationId"]: {int(status) for status in description["responses"] if int(status) < 400}
        for path, methods in schema["paths"].items()
        if path.startswith(A)
        for description in methods.values()
    }
    assert successes == {
        name: {row.status for row in CASES if row.operation == name and not row.code} for name in OPERATIONS
    }
