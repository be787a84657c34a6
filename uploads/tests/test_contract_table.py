"""Every operation of files answers with exactly its status and code, and writes exactly its audit events.

What all operations share (credentials, bodies, outages) is driven over every operation. From both follows the set of
codes that each may give, and the API's description lists these and no more.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.core.cache import caches
from django.db import OperationalError
from django.urls import resolve
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from accounts.keys import ring
from accounts.models import Session, User
from accounts.tests import factories as people
from audit.models import AuditEvent
from bookings.tests.factories import bearer, make_booking
from common import clock
from uploads.models import File
from uploads.tests import contract_files
from uploads.tests.contract import CASES, CONFIRM, FILES, NO_ID, SIGN, Case, World
from uploads.tests.factories import claim, picture

pytestmark = pytest.mark.django_db
PARTS = (contract_files,)


class Operation(NamedTuple):
    """How to call one."""

    method: str
    path: str
    body: dict[str, Any] | None = None


OPERATIONS = {
    "signUpload": Operation("post", SIGN, claim(picture())),
    "confirmUpload": Operation("post", CONFIRM, {"file_id": NO_ID}),
    "getFile": Operation("get", FILES + NO_ID),
    "deleteFile": Operation("delete", FILES + NO_ID),
    "downloadFile": Operation("get", f"{FILES}{NO_ID}/download"),
}
CREDENTIALS = {
    (401, "not_authenticated"), (401, "token_invalid"), (401, "token_expired"), (401, "session_revoked"),
    (401, "user_inactive"), (403, "two_factor_required"),
}  # fmt: skip
BODY = {(400, "malformed_json"), (400, "validation_error"), (413, "payload_too_large"), (415, "unsupported_media_type")}
ALWAYS = {(405, "method_not_allowed"), (406, "not_acceptable"), (500, "internal_error"), (503, "database_unavailable")}
PASSES = {"request_in_progress"}
PASSES_NOT = {"quota_exceeded"}


@pytest.fixture
def world(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    ring.forget()
    store = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "contract"}
    settings.CACHES = {**settings.CACHES, "limits": store}
    caches["limits"].clear()
    people.make_roles()
    yield World(settings, monkeypatch)
    ring.forget()


def answer_of(response: Any) -> tuple[int, str]:
    body = response.json() if response.content else {}
    return response.status_code, body.get("code", "")


@pytest.mark.parametrize("row", CASES, ids=lambda row: row.id)
def test_a_row_of_the_contract(world: World, row: Case) -> None:
    response = row.act(world)

    assert answer_of(response) == (row.status, row.code)
    events = AuditEvent.objects.order_by("pk").values_list("action", flat=True)
    assert tuple(events[world.before :]) == row.events
    assert response["Cache-Control"] == "no-store"
    assert response["Referrer-Policy"] == "no-referrer"
    if row.code in PASSES or (row.status in {429, 503} and row.code not in PASSES_NOT):
        assert response["Retry-After"] == str(response.json()["retry_after"])
        assert int(response["Retry-After"]) >= 1
    else:
        assert "Retry-After" not in response


def test_every_operation_has_a_row_and_every_row_an_operation() -> None:
    assert {row.operation for row in CASES} == set(OPERATIONS) == {name for name, _ in _described()}
    assert len({row.id for row in CASES}) == len(CASES)


def call(operation: Operation, client: APIClient, query: str = "", **extra: Any) -> Any:
    arguments = {} if operation.body is None else {"data": operation.body}
    return getattr(client, operation.method)(operation.path + query, **arguments, **extra)


def signed() -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.default_format = "json"
    return people.sign_in(people.make_user("owner@example.com"), client)


def nobody() -> APIClient:
    client = APIClient()
    client.default_format = "json"
    return client


every = pytest.mark.parametrize("name", OPERATIONS)


class TestCredentials:
    """Without a good one nothing is said about any file."""

    @every
    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("", (401, "not_authenticated")),
            ("Bearer nonsense", (401, "token_invalid")),
            ("Bearer bk_nonsense", (404, "not_found")),
            ("Bearer bk_" + "A" * 64, (404, "not_found")),
        ],
    )
    def test_none_and_bad(self, world: World, name: str, header: str, expected: tuple[int, str]) -> None:
        extra = {"HTTP_AUTHORIZATION": header} if header else {}
        assert answer_of(call(OPERATIONS[name], nobody(), **extra)) == expected

    @every
    def test_expired_revoked_and_closed(self, world: World, name: str) -> None:
        client = signed()
        with clock.shift(301):
            assert answer_of(call(OPERATIONS[name], client)) == (401, "token_expired")
        Session.objects.update(revoked_at=clock.db_now(), revoke_reason="revoked")
        assert answer_of(call(OPERATIONS[name], client)) == (401, "session_revoked")
        User.objects.update(is_active=False)
        assert answer_of(call(OPERATIONS[name], client)) == (401, "user_inactive")

    @every
    def test_the_second_factor_where_it_is_required(self, world: World, name: str) -> None:
        client = signed()
        world.settings.STAFF_TWO_FACTOR = "required"
        assert answer_of(call(OPERATIONS[name], client)) == (403, "two_factor_required")

    @every
    def test_a_page_cookie_opens_no_file(self, world: World, name: str) -> None:
        booking, client = make_booking(), nobody()
        client.cookies[f"bk_{booking.pk}"] = bearer(booking)["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
        assert answer_of(call(OPERATIONS[name], client)) == (401, "not_authenticated")


class TestRequests:
    """What is wrong with a request before anyone looks at what it says."""

    @pytest.mark.parametrize("name", ["signUpload", "confirmUpload"])
    @pytest.mark.parametrize(
        ("raw", "kind", "expected"),
        [
            (b"{", "application/json", (400, "malformed_json")),
            (b'{"size": 1, "size": 2}', "application/json", (400, "malformed_json")),
            (b'{"filename": "a\\u0000.png"}', "application/json", (400, "malformed_json")),
            (b'{"size": NaN}', "application/json", (400, "malformed_json")),
            (b"[]", "application/json", (400, "validation_error")),
            (b'{"surplus": 1}', "application/json", (400, "validation_error")),
            (b'{"a": "' + b"x" * 17_000 + b'"}', "application/json", (413, "payload_too_large")),
            (b"a=1", "application/x-www-form-urlencoded", (415, "unsupported_media_type")),
        ],
    )
    def test_bodies(self, world: World, name: str, raw: bytes, kind: str, expected: tuple[int, str]) -> None:
        answer = signed().generic("POST", OPERATIONS[name].path, raw, content_type=kind)
        assert answer_of(answer) == expected
        assert not File.objects.exists()

    @every
    def test_queries(self, world: World, name: str) -> None:
        answer = call(OPERATIONS[name], signed(), "?key=x")
        assert answer_of(answer) == (400, "validation_error")
        assert [fault["parameter"] for fault in answer.json()["errors"]] == ["key"]
        assert not File.objects.exists()

    @every
    def test_methods_and_types(self, world: World, name: str) -> None:
        operation, client = OPERATIONS[name], signed()
        refused = client.put(operation.path, {})
        assert answer_of(refused) == (405, "method_not_allowed")
        assert operation.method.upper() in refused["Allow"]
        assert answer_of(call(operation, client, HTTP_ACCEPT="text/html")) == (406, "not_acceptable")

    @pytest.mark.parametrize("path", [FILES + "nonsense", FILES + "1", f"{FILES}{NO_ID}/original.png"])
    def test_what_is_no_address_is_not_found(self, world: World, path: str) -> None:
        assert answer_of(signed().get(path)) == (404, "not_found")


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
        operation, client = OPERATIONS[name], signed()

        def fail(*_: Any, **__: Any) -> Any:
            raise fault

        monkeypatch.setattr(resolve(operation.path).func.view_class, operation.method, fail)  # type: ignore[attr-defined]
        assert answer_of(call(operation, client)) == expected


def expected_codes(name: str) -> set[tuple[int, str]]:
    """Every code that the tests of this file saw an operation give."""
    found = {(row.status, row.code) for row in CASES if row.operation == name and row.code}
    found |= ALWAYS | CREDENTIALS | {(400, "validation_error"), (404, "not_found")}
    return found | BODY if OPERATIONS[name].body is not None else found


def _described() -> Iterator[tuple[str, dict[str, Any]]]:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    for path, methods in schema["paths"].items():
        if path.startswith(("/api/uploads", "/api/files")):
            for description in methods.values():
                yield description["operationId"], description


def _codes(description: dict[str, Any]) -> Iterator[tuple[int, str]]:
    for status, response in description["responses"].items():
        problem = response.get("content", {}).get("application/problem+json")
        if problem:
            for code in problem["schema"]["allOf"][1]["properties"]["code"]["enum"]:
                yield int(status), code


def test_the_description_lists_every_code_that_was_seen_and_no_more() -> None:
    assert {name: sorted(_codes(description)) for name, description in _described()} == {
        name: sorted(expected_codes(name)) for name in OPERATIONS
    }


def test_the_description_lists_every_success_that_was_seen_and_no_more() -> None:
    assert {
        name: {int(status) for status in description["responses"] if int(status) < 400}
        for name, description in _described()
    } == {name: {row.status for row in CASES if row.operation == name and not row.code} for name in OPERATIONS}
