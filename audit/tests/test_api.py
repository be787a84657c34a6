"""`GET /api/admin/audit`: who may read, what can be asked, and that reading is written down."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.db import transaction

from accounts.tests.factories import staff
from audit.actions import record
from audit.models import AuditEvent
from common import context, events
from common.actor import Actor
from common.clock import db_now
from common.context import RequestContext
from common.instants import instant
from common.target import Target

pytestmark = pytest.mark.django_db
URL = "/api/admin/audit"
LAMP, BULB = Target("shop.thing", "1", "Lamp"), Target("shop.thing", "2", "Bulb")


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setitem(events.registry, "thing.changed", "A thing was changed")
    monkeypatch.setitem(events.registry, "thing.sold", "A thing was sold")


@pytest.fixture
def auditor():
    return staff("Auditor")


def write(action="thing.changed", *, by=None, target=LAMP, **values):
    with context.use(RequestContext(ip="192.0.2.1", user_agent="curl/8", request_id="r-1")), transaction.atomic():
        return record(action=action, by=by or Actor.operator(), target=target, **values)


def listed(client, query=""):
    answer = client.get(f"{URL}{query}")
    assert answer.status_code == 200, answer.json()
    return [row["id"] for row in answer.json()["data"]]


def fault(client, query):
    answer = client.get(f"{URL}{query}")
    body = answer.json()
    assert (answer.status_code, body["code"]) == (400, "validation_error"), body
    (one,) = body["errors"]
    return one["parameter"], one["code"]


def reads():
    return list(AuditEvent.objects.filter(action="audit.read").order_by("id"))


def test_one_row_in_full(auditor):
    _user, client = auditor
    row = write(before={"n": 1}, after={"n": 2}, meta={"note": "x"}, reason="asked")
    answer = client.get(f"{URL}?action=thing.changed")
    assert answer["Cache-Control"] == "no-store"
    assert answer.json()["data"] == [
        {
            "id": row.pk,
            "at": instant(row.at),
            "action": "thing.changed",
            "meaning": "A thing was changed",
            "outcome": "done",
            "actor": {"kind": "operator", "id": "operator", "label": "operator"},
            "on_behalf_of": "",
            "target": {"type": "shop.thing", "id": "1", "label": "Lamp"},
            "before": {"n": 1},
            "after": {"n": 2},
            "meta": {"note": "x"},
            "reason": "asked",
            "ip": "192.0.2.1",
            "user_agent": "curl/8",
            "session_id": "",
            "request_id": "r-1",
            "job_id": "",
            "row_hash": bytes(row.row_hash).hex(),
        }
    ]


@pytest.mark.parametrize(("role", "status"), [("Owner", 200), ("Auditor", 200), ("Editor", 403), ("Sales", 403)])
def test_who_may_read(role, status):
    _, client = staff(role)
    assert client.get(URL).status_code == status
    assert len(reads()) == (status == 200)


def test_without_a_credential(api):
    answer = api.get(URL)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert reads() == []


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_can_be_written_or_forged(auditor, method):
    _, client = auditor
    before = AuditEvent.objects.count()
    body = {"id": 1, "at": "2001-01-01T00:00:00Z", "action": "thing.changed", "actor": {"kind": "staff", "id": "eve"}}
    assert getattr(client, method)(URL, body).status_code == 405
    assert AuditEvent.objects.count() == before


def test_an_actor_in_another_bodys_fields_is_refused():
    _user, client = staff("Owner")
    before = AuditEvent.objects.count()
    forged = {"at": "2001-01-01T00:00:00Z", "actor": "operator", "actor_id": "eve", "id": 7}
    answer = client.post("/api/auth/invites", {"email": "ben@example.com", "roles": ["Editor"], **forged})
    assert answer.status_code == 400
    assert {one["pointer"] for one in answer.json()["errors"]} == {f"#/{name}" for name in forged}
    assert AuditEvent.objects.count() == before


def test_filters(auditor):
    _, client = auditor
    first = write(by=Actor.customer(id="b-1", label="Brian"))
    second = write("thing.sold", target=BULB)
    third = write(by=Actor.customer(id="b-2", label="Wanjiru"), target=BULB)
    assert listed(client, "?action=thing") == [third.pk, second.pk, first.pk]
    assert listed(client, "?action=thing.sold") == [second.pk]
    assert listed(client, "?actor=customer") == [third.pk, first.pk]
    assert listed(client, "?actor=customer:b-1") == [first.pk]
    assert listed(client, "?target=shop.thing&action=thing") == [third.pk, second.pk, first.pk]
    assert listed(client, "?target=shop.thing:2&actor=customer") == [third.pk]
    assert listed(client, "?target=shop.thing:9") == []


def test_time(auditor):
    _, client = auditor
    row, now = write(), db_now()

    def at(days):
        return quote(instant(now + timedelta(days=days)))

    assert listed(client, f"?action=thing&from={at(-1)}&to={at(1)}") == [row.pk]
    assert listed(client, f"?action=thing&from={at(-1)}") == [row.pk]
    assert listed(client, f"?action=thing&to={at(1)}") == [row.pk]
    assert listed(client, f"?action=thing&from={at(1)}") == []
    assert listed(client, f"?action=thing&to={at(-1)}") == []
    assert listed(client, f"?action=thing&from={at(-31)}&to={at(0)}") in ([], [row.pk])  # 31 days are allowed
    assert fault(client, f"?from={at(-31)}&to={at(1)}") == ("to", "invalid")
    assert fault(client, f"?from={at(1)}&to={at(-1)}") == ("to", "invalid")
    assert fault(client, f"?from={at(1)}&to={at(1)}") == ("to", "invalid")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?who=eve", ("who", "unknown_parameter")),
        ("?actor=ghost", ("actor", "invalid_choice")),
        ("?actor=staff:" + "x" * 200, ("actor", "too_long")),
        ("?target=" + "x" * 202, ("target", "too_long")),
        ("?action=thing.invented", ("action", "invalid_choice")),
        ("?action=th", ("action", "invalid_choice")),
        ("?action=thing.sold&action=thing.changed", ("action", "repeated")),
        ("?from=yesterday", ("from", "invalid")),
        ("?from=2026-11-22T09:00:00", ("from", "invalid")),
        ("?to=0001-01-01T00:00:00Z", ("from", "invalid")),
        ("?per_page=101", ("per_page", "invalid")),
        ("?cursor=x", ("cursor", "invalid")),
        ("?target=a%00", ("target", "invalid")),
    ],
)
def test_strict_parameters(auditor, query, found):
    _, client = auditor
    assert fault(client, query) == found
    assert reads() == []


def test_pages_by_cursor(auditor):
    _, client = auditor
    rows = [write(meta={"n": n}).pk for n in range(5)]
    answer = client.get(f"{URL}?action=thing&per_page=2").json()
    assert [row["id"] for row in answer["data"]] == [rows[4], rows[3]]
    assert (answer["meta"], answer["links"]["prev"]) == ({"per_page": 2}, None)
    write()  # what arrives meanwhile neither repeats nor hides others
    second = client.get(answer["links"]["next"]).json()
    assert [row["id"] for row in second["data"]] == [rows[2], rows[1]]
    assert [row["id"] for row in client.get(second["links"]["prev"]).json()["data"]] == [rows[4], rows[3]]
    foreign = answer["links"]["next"].replace("action=thing", "action=thing.sold")
    assert client.get(foreign).status_code == 400


def test_reading_is_an_event_once_a_query(auditor):
    user, client = auditor
    for _ in range(3):
        write()
    following = client.get(f"{URL}?action=thing&per_page=1").json()["links"]["next"]
    (event,) = reads()
    assert (event.actor_kind, event.actor_id, event.outcome) == ("staff", str(user.pk), "done")
    assert event.meta == {"query": {"action": "thing"}}
    client.get(following)
    assert len(reads()) == 1  # the next page of the same query
    client.get(f"{URL}?action=thing&per_page=1")
    client.get(f"{URL}?actor=staff")
    assert [event.meta["query"] for event in reads()[1:]] == [{"action": "thing"}, {"actor": "staff"}]
    _, other = staff("Owner")
    other.get(following)  # a colleague who was handed the link reads too
    assert len(reads()) == 4


def test_when_reading_cannot_be_written_down_nothing_is_read(auditor, monkeypatch):
    _, client = auditor
    write()
    client.raise_request_exception = False

    def broken(**_):
        raise RuntimeError("the log is full")

    monkeypatch.setattr("audit.actions.reading.record", broken)
    answer = client.get(URL)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "data" not in answer.json()


def test_queries_do_not_grow_with_the_page(auditor, django_assert_max_num_queries):
    _, client = auditor
    for _ in range(60):
        write()
    with django_assert_max_num_queries(15) as few:
        client.get(f"{URL}?per_page=1")
    with django_assert_max_num_queries(15) as many:
        client.get(f"{URL}?per_page=60")
    assert len(few) == len(many)
