"""The log in the admin: readable, and closed to writing."""

import pytest
from django.contrib.admin import AdminSite
from django.db import transaction
from django.test import RequestFactory

from audit.actions import record
from audit.admin import AuditEventAdmin
from audit.admin.filters import AreaFilter
from audit.models import AuditEvent
from common import events
from common.actor import Actor
from common.target import Target

pytestmark = pytest.mark.django_db
admin = AuditEventAdmin(AuditEvent, AdminSite())


@pytest.fixture
def row(monkeypatch):
    monkeypatch.setitem(events.registry, "thing.changed", "A thing was changed")
    with transaction.atomic():
        return record(
            action="thing.changed",
            by=Actor.operator(),
            target=Target("t", "1", "<b>Lamp</b>"),
            before={"title": "<script>", "live": False},
            after={"title": "Lamp", "live": True, "tags": ["a"]},
            meta={"note": "x"},
        )


def test_readable(row):
    assert (admin.what(row), admin.who(row), admin.about(row)) == (
        "A thing was changed",
        "operator (operator)",
        "<b>Lamp</b>",
    )
    table = admin.changes(row)
    assert '<tr><th scope="row">title</th><td>&lt;script&gt;</td><td>Lamp</td></tr>' in table
    assert '<tr><th scope="row">live</th><td>no</td><td>yes</td></tr>' in table
    assert "<script>" not in table
    assert admin.more(row) == "<div>note: x</div>"
    assert admin.fingerprint(row) == f"<code>{bytes(row.row_hash).hex()}</code>"


def test_nobody_writes(row):
    request = RequestFactory().get("/")
    assert not admin.has_add_permission(request)
    assert not admin.has_change_permission(request, row)
    assert not admin.has_delete_permission(request, row)


def test_area_filter(row):
    request = RequestFactory().get("/", {"area": "thing"})
    area = AreaFilter(request, {"area": ["thing"]}, AuditEvent, admin)
    assert ("thing", "Thing") in area.lookups(request, admin)
    assert list(area.queryset(request, AuditEvent.objects.all())) == [row]
    other = AreaFilter(request, {"area": ["job"]}, AuditEvent, admin)
    assert list(other.queryset(request, AuditEvent.objects.all())) == []
