"""The three records of the spine in the real admin: pages that render, buttons that act and are audited."""

import pytest
from django.db import transaction
from django.test import Client

from accounts.tests.factories import make_user
from audit.actions import record
from audit.models import AuditEvent
from jobs.models import Job, State
from jobs.testing import run_due
from jobs.tests.factories import make_job, now
from mail.models import Message
from mail.tests.factories import BY, LINK, make_message

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser():
    user = make_user(held=("Owner",))
    client = Client()
    client.force_login(user)
    return client


def audited(action):
    return list(AuditEvent.objects.filter(action=action).values_list("actor_kind", "actor_label", "target_id"))


def test_job_pages_and_buttons(browser):
    job = make_job(state=State.DEAD, finished_at=now(), last_error="boom <b>")
    assert "test.work" in browser.get("/admin/jobs/job/?state__exact=dead").content.decode()
    page = browser.get(f"/admin/jobs/job/{job.pk}/change/").content.decode()
    assert "boom &lt;b&gt;" in page
    assert "Run again" in page
    assert browser.get(f"/admin/jobs/job/{job.pk}/action/requeue/").status_code == 405
    answer = browser.post(f"/admin/jobs/job/{job.pk}/action/requeue/")
    assert (answer.status_code, answer["Location"]) == (302, f"/admin/jobs/job/{job.pk}/change/")
    assert Job.objects.get().state == State.NEW
    assert audited("job.requeued") == [("staff", "ana@example.com", str(job.pk))]
    assert browser.post(f"/admin/jobs/job/{job.pk}/action/requeue/").status_code == 403
    browser.post(f"/admin/jobs/job/{job.pk}/action/cancel/")
    assert Job.objects.get().state == State.CANCELLED
    assert len(audited("job.cancelled")) == 1


def test_message_pages_and_button(browser):
    row = make_message()
    run_due()
    assert "ana@example.com" in browser.get("/admin/mail/message/").content.decode()
    page = browser.get(f"/admin/mail/message/{row.pk}/change/").content.decode()
    assert "Send again" in page
    html = browser.get(f"/admin/mail/message/{row.pk}/html/")
    assert "Hi Ana &lt;b&gt;" in html.content.decode()
    assert "sandbox" in html["Content-Security-Policy"]
    assert "default-src 'none'" in html["Content-Security-Policy"]
    browser.post(f"/admin/mail/message/{row.pk}/action/resend/")
    assert Message.objects.filter(resend_of=row).count() == 1
    assert audited("mail.resent") == [("staff", "ana@example.com", str(row.pk))]


def test_a_secret_is_on_no_page(browser):
    row = make_message(secrets={"link": LINK})
    for address in ("change/", "html/"):
        assert LINK not in browser.get(f"/admin/mail/message/{row.pk}/{address}").content.decode()


def test_audit_pages(browser):
    with transaction.atomic():
        event = record(action="job.requeued", by=BY, before={"state": "dead"}, after={"state": "new"})
    assert "A job was put back into the queue" in browser.get("/admin/audit/auditevent/?area=job").content.decode()
    page = browser.get(f"/admin/audit/auditevent/{event.pk}/change/").content.decode()
    assert "<td>dead</td><td>new</td>" in page
    assert browser.post(f"/admin/audit/auditevent/{event.pk}/change/", {"action": "forged"}).status_code == 403
    assert browser.post(f"/admin/audit/auditevent/{event.pk}/delete/", {"post": "yes"}).status_code == 403
    assert AuditEvent.objects.get(pk=event.pk).action == "job.requeued"
    assert browser.get("/admin/audit/auditevent/?q=requeued").status_code == 200


def test_others_see_none_of_it():
    client = Client()
    client.force_login(make_user("eve@example.com", held=("Author",)))
    for address in ("/admin/jobs/job/", "/admin/mail/message/", "/admin/audit/auditevent/"):
        assert client.get(address).status_code in {302, 403}, address
