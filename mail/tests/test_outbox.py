"""Asking for a mail: a row and a job, once a key, or nothing."""

import pytest
from django.db import IntegrityError, transaction
from django.template import TemplateDoesNotExist

from common import context
from common.context import RequestContext
from jobs.models import Job
from mail import models, secrets_box
from mail.actions import Attachment
from mail.models import Message, State
from mail.rendering import render
from mail.tests.factories import LINK, make_message

pytestmark = pytest.mark.django_db


def test_a_message_and_its_job_carry_the_request():
    with context.use(RequestContext(request_id="r-3")):
        made = make_message()
    row, job = Message.objects.get(), Job.objects.get()
    assert made == row
    assert (row.state, row.subject, row.request_id) == (State.QUEUED, "Hello Ana <b> & welcome", "r-3")
    assert (job.kind, job.args, job.request_id) == ("mail.deliver", {"message_id": str(row.pk)}, "r-3")
    assert job.max_attempts == 6


def test_rollback_takes_both_along():
    with transaction.atomic():
        make_message()
        transaction.set_rollback(True)
    assert (Message.objects.count(), Job.objects.count()) == (0, 0)


def test_the_same_key_is_one_row_and_one_job():
    first = make_message()
    again = make_message(context={"name": "Somebody else"})
    assert again == first
    assert again.context == {"name": "Ana <b>"}
    assert (Message.objects.count(), Job.objects.count()) == (1, 1)
    make_message(key="greeting:2")
    assert (Message.objects.count(), Job.objects.count()) == (2, 2)


def test_the_database_refuses_a_second_row_of_a_key():
    make_message()
    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.create(
            key="greeting:1", template="t", to="a@b.c", actor_kind="system", created_at="2026-11-22T12:00:00Z"
        )


def test_an_unknown_template_is_refused_at_once():
    with pytest.raises(TemplateDoesNotExist):
        make_message(template="test/none")
    assert (Message.objects.count(), Job.objects.count()) == (0, 0)


def test_secrets_are_encrypted_and_masked():
    row = make_message(secrets={"link": LINK})
    row.refresh_from_db()
    assert row.secret_names == ["link"]
    assert LINK.encode() not in bytes(row.secrets)
    assert LINK not in f"{row.context} {row.subject}"
    assert secrets_box.opened(row) == {"link": LINK}
    assert LINK not in render(row.template, row.context | secrets_box.masks(row)).html


def test_the_database_refuses_secrets_in_a_sent_row():
    row = make_message(secrets={"link": LINK})
    with pytest.raises(IntegrityError, match="mail_message_sent_forgets_secrets"), transaction.atomic():
        Message.objects.filter(pk=row.pk).update(state=State.SENT)


def test_attachments_keep_their_order():
    files = [Attachment("b.ics", b"BEGIN", "text/calendar"), Attachment("a.pdf", b"\x00\xff", "application/pdf")]
    row = make_message(attachments=files)
    make_message(attachments=files)
    kept = [(a.name, bytes(a.content), a.content_type) for a in row.attachments.all()]
    assert kept == [("b.ics", b"BEGIN", "text/calendar"), ("a.pdf", b"\x00\xff", "application/pdf")]
    assert models.Attachment.objects.count() == 2


def test_only_the_html_part_is_escaped():
    rendered = render("test/hello", {"name": "A & <B>", "link": "http://x/?a=1&b=2"})
    assert rendered.subject == "Hello A & <B> & welcome"
    assert rendered.text == "Hi A & <B>: http://x/?a=1&b=2\n"
    assert "<p>Hi A &amp; &lt;B&gt;</p>" in rendered.html
    assert 'href="http://x/?a=1&amp;b=2"' in rendered.html


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"state": "lost"}, "mail_message_known_state"),
        ({"state": State.DELIVERED}, "mail_message_sent_forgets_secrets"),
        ({"state": State.DROPPED}, "mail_message_sent_forgets_secrets"),
    ],
)
def test_the_database_refuses_states_that_cannot_be(values, name):
    row = make_message(secrets={"link": LINK})
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Message.objects.filter(pk=row.pk).update(**values)
    row.refresh_from_db()
    assert row.state == State.QUEUED


def test_the_database_takes_a_report_once_and_a_mark_with_a_reason():
    row = make_message()
    told = {"message": row, "fingerprint": "f", "kind": "delivered", "provider": "p", "received_at": row.created_at}
    models.TrackingEvent.objects.create(**told)
    with pytest.raises(IntegrityError, match="mail_event_told_once"), transaction.atomic():
        models.TrackingEvent.objects.create(**told)
    with pytest.raises(IntegrityError, match="mail_marked_address_says_why"), transaction.atomic():
        models.MarkedAddress.objects.create(address="ana@example.com")
    assert (models.TrackingEvent.objects.count(), models.MarkedAddress.objects.count()) == (1, 0)
