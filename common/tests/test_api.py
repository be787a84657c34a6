"""Strict JSON, problems and lists, on views of the tests' own."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import path
from rest_framework.response import Response

from common import problems
from common.api.body import parse
from common.api.parsers import parse_json
from common.api.permissions import grant_or_staff, staff
from common.api.serializers import (
    InstantField,
    StrictBooleanField,
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
)
from common.api.views import ApiView
from common.errors import Conflict, DomainError, MalformedJson


class ThingTaken(Conflict):
    code = "test_thing_taken"
    title = "The thing is taken"


class Inner(StrictSerializer):
    email = StrictCharField(max_length=20)


class Thing(StrictSerializer):
    name = StrictCharField(max_length=10)
    count = StrictIntegerField(min_value=1, required=False)
    sure = StrictBooleanField(required=False)
    at = InstantField(required=False)
    customer = Inner(required=False)


class Things(ApiView):
    def post(self, request):
        values = parse(request, Thing)
        if values["name"] == "taken":
            raise ThingTaken(members={"nearest": [1]})
        if values["name"] == "boom":
            raise RuntimeError("secret detail")
        return Response({"name": values["name"]}, status=201)


class StaffOnly(ApiView):
    permission_classes = [staff("cms.publish_post")]

    def get(self, request):
        return Response({})


class GrantOnly(ApiView):
    permission_classes = [grant_or_staff()]

    def get(self, request):
        return Response({})


urlpatterns = [
    path("api/things", Things.as_view()),
    path("api/staff", StaffOnly.as_view()),
    path("api/grant", GrantOnly.as_view()),
]
handler404 = problems.not_found
pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"a": 1, "a": 2}',
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": "\\u0000"}',
        b'{"a": "\\ud800"}',
        b"[" * 33 + b"]" * 33,
        b"\xff",
        b"",
        b"[" * 100_000,
    ],
)
def test_json_that_two_readers_could_read_differently_is_refused(body):
    with pytest.raises(MalformedJson):
        parse_json(body)


def test_json_of_32_levels_is_taken():
    assert parse_json(b"[" * 31 + b"1" + b"]" * 31)


def test_a_good_body_is_taken_and_answered_no_store(api):
    answer = api.post("/api/things", {"name": "one", "count": 2, "sure": True, "at": "2026-11-22T09:00:00Z"})
    assert answer.status_code == 201
    assert answer.json() == {"name": "one"}
    assert answer["Cache-Control"] == "no-store"


def test_every_fault_has_a_pointer(api):
    answer = api.post(
        "/api/things", {"name": 5, "colour": "red", "count": True, "customer": {"email": "x" * 21, "a/b": 1}}
    )
    problem = answer.json()
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert problem["code"] == "validation_error"
    assert problem["type"] == "http://testserver/docs/errors/validation_error"
    assert problem["instance"] == "/api/things"
    assert problem["request_id"] == answer["X-Request-ID"]
    assert {(fault["pointer"], fault["code"]) for fault in problem["errors"]} == {
        ("#/name", "invalid"),
        ("#/colour", "unknown_field"),
        ("#/count", "invalid"),
        ("#/customer/email", "max_length"),
        ("#/customer/a~1b", "unknown_field"),
    }
    assert problem["detail"] == "5 fields need attention."


def test_an_instant_needs_a_zone(api):
    answer = api.post("/api/things", {"name": "one", "at": "2026-11-22T09:00:00"})
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [("#/at", "no_zone")]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("yesterday", "invalid"),
        ("", "invalid"),
        ("2026-13-45T09:00:00", "invalid"),
        ("2026-11-22T09:00:00 EAT", "invalid"),
        ("2026-11-22T09:00", "no_zone"),
        ("yesterday+03:00", "invalid"),
    ],
)
def test_what_is_no_instant_lacks_more_than_a_zone(api, text, code):
    answer = api.post("/api/things", {"name": "one", "at": text})
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [("#/at", code)]


@pytest.mark.parametrize("body", ["[]", '"x"', "null", "5"])
def test_a_body_that_is_no_object_is_a_validation_error(api, body):
    answer = api.generic("POST", "/api/things", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")


def test_an_own_error_keeps_its_code_and_members(api):
    answer = api.post("/api/things", {"name": "taken"})
    assert (answer.status_code, answer.json()["code"], answer.json()["nearest"]) == (409, "test_thing_taken", [1])


def test_an_unforeseen_error_tells_nothing(api):
    answer = api.post("/api/things", {"name": "boom"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert b"secret" not in answer.content


@pytest.mark.parametrize(
    ("kwargs", "status", "code"),
    [
        ({"content_type": "text/plain"}, 415, "unsupported_media_type"),
        ({"content_type": "application/json", "HTTP_ACCEPT": "text/html"}, 406, "not_acceptable"),
        ({"content_type": "application/json", "HTTP_TRANSFER_ENCODING": "chunked"}, 411, "length_required"),
    ],
)
def test_requests_that_are_no_json(api, kwargs, status, code):
    answer = api.generic("POST", "/api/things", '{"name": "x"}', **kwargs)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_wrong_methods_and_paths_are_problems_too(api):
    wrong = api.delete("/api/things")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert "POST" in wrong["Allow"]
    unknown = api.get("/api/nothing")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


def test_too_large_a_body_is_refused_before_it_is_read(api):
    answer = api.generic("POST", "/api/payments/things", "x" * (16 * 1024 + 1), content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


def test_who_is_nobody_is_401_with_the_scheme(api):
    for address in ("/api/staff", "/api/grant"):
        answer = api.get(address)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
        assert answer["WWW-Authenticate"] == 'Bearer realm="api"'


def test_options_answers_with_the_methods(api):
    answer = api.options("/api/things")
    assert answer.status_code == 204
    assert answer["Allow"] == "POST, OPTIONS"


def test_trailing_slashes_are_sent_on(api):
    answer = api.get("/api/staff/?a=1")
    assert (answer.status_code, answer["Location"]) == (308, "/api/staff?a=1")


def test_codes_are_unique():
    with pytest.raises(TypeError, match="belongs to"):
        type("Other", (DomainError,), {"code": "test_thing_taken", "__module__": "elsewhere", "__qualname__": "Other"})


def test_instants_are_utc_with_seconds():
    eat = datetime(2026, 11, 22, 12, 0, 0, 999, tzinfo=UTC) + timedelta(0)
    assert InstantField().to_representation(eat) == "2026-11-22T12:00:00Z"
