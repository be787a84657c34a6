"""The log in the admin: readable, and closed to writing."""

import pytest
from django.contrib.admin import AdminSite
from django.contrib.auth.models import Permission
from django.db import transaction
from django.test import RequestFactory

from accounts.tests.factories import make_user
from audit.actions import record, sealing
from audit.admin import AuditEventAdmin
from audit.admin.filters import AreaFilter
from audit.models import AuditEvent
from audit.tests.factories import rows, sql, triggers_off
from audit.verification import Report
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


class TestPages:
    """Through the site, as staff see it."""

    @pytest.fixture
    def auditor(self, client):
        client.force_login(make_user("auditor@example.com", held=("Auditor",)))
        return client

    def reads(self):
        return [event.meta["query"] for event in AuditEvent.objects.filter(action="audit.read").order_by("id")]

    def test_the_list_with_filters(self, auditor, row):
        page = auditor.get("/admin/audit/auditevent/?area=nobody")
        assert page.status_code == 400  # no app writes such an area
        page = auditor.get("/admin/audit/auditevent/?event=thing.changed").content.decode()
        assert "A thing was changed" in page
        assert page.count('class="field-what') == 1
        assert self.reads() == [{"event": "thing.changed"}]
        auditor.get("/admin/audit/auditevent/?event=thing.changed&p=1")
        assert len(self.reads()) == 1

    def test_one_event_shows_before_and_after_side_by_side(self, auditor, row):
        page = auditor.get(f"/admin/audit/auditevent/{row.pk}/change/").content.decode()
        assert '<tr><th scope="row">title</th><td>&lt;script&gt;</td><td>Lamp</td></tr>' in page
        assert "Not sealed yet" in page
        assert 'name="_save"' not in page
        assert self.reads() == [{"id": str(row.pk)}]

    def test_with_one_role_the_page_says_tamper_evident(self, auditor, row, monkeypatch):
        assert "Tamper-evident:" in auditor.get("/admin/audit/auditevent/").content.decode()
        monkeypatch.setattr("audit.selectors.is_out_of_reach", lambda: True)
        page = auditor.get("/admin/audit/auditevent/").content.decode()
        assert "Append-only: the database role of this back end cannot change" in page

    def test_verify(self, auditor, row):
        page = auditor.post("/admin/audit/auditevent/verify/", follow=True).content.decode()
        assert "The log is as it was sealed:" in page
        event = AuditEvent.objects.get(action="audit.verified")
        assert (event.actor_kind, event.actor_label) == ("staff", "auditor@example.com")
        assert auditor.get("/admin/audit/auditevent/verify/").status_code == 405

    def test_verify_names_what_was_changed(self, auditor, row):
        with triggers_off():
            sql("UPDATE audit_event SET reason = 'forged' WHERE id = %s", row.pk)
        page = auditor.post("/admin/audit/auditevent/verify/", follow=True).content.decode()
        assert f"The log was changed. Row {row.pk}: it was changed: its hash does not fit its content." in page
        assert AuditEvent.objects.filter(action="audit.fault_found").count() == 1

    def test_a_long_log_is_sampled(self, auditor, row, monkeypatch):
        scopes = []
        monkeypatch.setattr("audit.admin.event.VERIFIED_AT_ONCE_ROWS", -1)
        sealing.seal(by=Actor.operator())

        def verify(*, scope, by):
            scopes.append(scope)
            return Report()

        monkeypatch.setattr("audit.admin.event.verifying.verify", verify)
        page = auditor.post("/admin/audit/auditevent/verify/", follow=True).content.decode()
        assert [scope.sample for scope in scopes] == [True]
        assert "this was a sample" in page

    @pytest.mark.parametrize(("form", "kind"), [("csv", "text/csv; charset=utf-8"), ("jsonl", "application/x-ndjson")])
    def test_export_of_what_the_filters_show(self, auditor, row, form, kind):
        answer = auditor.post(f"/admin/audit/auditevent/export/{form}/?event=thing.changed")
        assert (answer.status_code, answer["Content-Type"]) == (200, kind)
        assert answer["Content-Disposition"] == f'attachment; filename="audit.{form}"'
        lines = b"".join(answer.streaming_content).decode().splitlines()
        assert len(lines) == (2 if form == "csv" else 1)
        assert bytes(row.row_hash).hex() in lines[-1]
        event = AuditEvent.objects.get(action="audit.exported")
        assert event.meta == {"form": form, "query": {"event": "thing.changed"}}
        assert auditor.get(f"/admin/audit/auditevent/export/{form}/").status_code == 405
        assert auditor.post("/admin/audit/auditevent/export/xlsx/").status_code == 405

    def test_each_button_asks_for_its_permission(self, client, row):
        user = make_user("viewer@example.com", held=())
        user.user_permissions.set(Permission.objects.filter(content_type__app_label="audit", codename="view"))
        client.force_login(user)
        page = client.get("/admin/audit/auditevent/")
        assert page.status_code == 200
        assert "Verify" not in page.content.decode()
        assert "Export" not in page.content.decode()
        before = AuditEvent.objects.count()
        assert client.post("/admin/audit/auditevent/verify/").status_code == 403
        assert client.post("/admin/audit/auditevent/export/csv/").status_code == 403
        assert AuditEvent.objects.count() == before

    def test_who_may_not_view_sees_nothing(self, client, row):
        client.force_login(make_user("editor@example.com", held=("Editor",)))
        before = AuditEvent.objects.count()
        for path in ("", f"{row.pk}/change/"):
            assert client.get(f"/admin/audit/auditevent/{path}").status_code == 403
        assert "auditevent" not in client.get("/admin/").content.decode()
        assert AuditEvent.objects.count() == before

    @pytest.mark.parametrize("path", ["add/", "{}/delete/"])
    def test_nothing_is_added_or_deleted(self, client, row, path):
        client.force_login(make_user("owner@example.com", held=("Owner",)))
        address = f"/admin/audit/auditevent/{path.format(row.pk)}"
        assert client.post(address, {"post": "yes"}).status_code == 403
        assert AuditEvent.objects.filter(pk=row.pk).exists()

    def test_queries_do_not_grow_with_the_list(self, auditor, row, django_assert_max_num_queries):
        with django_assert_max_num_queries(15) as few:
            auditor.get("/admin/audit/auditevent/")
        rows(60)
        with django_assert_max_num_queries(15) as many:
            auditor.get("/admin/audit/auditevent/")
        assert len(few) == len(many)
        with django_assert_max_num_queries(15):
            auditor.get(f"/admin/audit/auditevent/{row.pk}/change/")
