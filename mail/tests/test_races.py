"""Two things at once: the same report twice, and a report in the moment in which the call ends."""

import threading
from uuid import UUID

import pytest
from django.db import transaction

from common.actor import Actor
from common.tests.racing import at_once
from mail.actions import delivery, tracking
from mail.models import MarkedAddress, Message, State, TrackingEvent
from mail.providers.tracking import Report
from mail.tests.factories import BY, make_message

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.concurrency]
SENDGRID = Actor.provider("sendgrid")


def report(row, kind="bounced", fingerprint="f1"):
    return Report(
        ours=UUID(str(row.pk)), theirs="", fingerprint=fingerprint, kind=kind, hard=kind == "bounced", reason="",
        detail="550", happened_at=None,
    )  # fmt: skip


def take(row):
    return tracking.take(reports=[report(row)], provider="sendgrid", by=SENDGRID)


def test_the_same_report_at_once_is_stored_once():
    row = make_message()
    assert sorted(at_once(*[lambda: take(row)] * 4)) == [0, 0, 0, 1]
    row.refresh_from_db()
    assert (row.state, TrackingEvent.objects.count(), MarkedAddress.objects.count()) == (State.BOUNCED, 1, 1)


def test_without_the_lock_it_would_not_be(monkeypatch):
    """The negative control: both find no event, and one of the calls fails for its provider."""
    row = make_message()
    both_have_looked = threading.Barrier(2)
    insert = TrackingEvent.objects.bulk_create

    def insert_together(events):
        events = list(events)
        both_have_looked.wait(10)
        return insert(events)

    monkeypatch.setattr(tracking, "locked_reported", lambda *, ours, theirs: list(Message.objects.filter(pk__in=ours)))
    monkeypatch.setattr(TrackingEvent.objects, "bulk_create", insert_together)
    results = at_once(lambda: take(row), lambda: take(row))
    assert sorted(type(result).__name__ for result in results) == ["IntegrityError", "int"]


def test_a_report_and_the_end_of_the_call_in_either_order():
    for number in range(5):
        row = make_message(key=f"k{number}")
        sending = delivery.begin(message_id=str(row.pk), by=BY)

        def end(sending=sending):
            with transaction.atomic():
                delivery.sent(message=sending, provider_id="p-1", file_name="", by=BY)

        def told(row=row):
            return tracking.take(reports=[report(row, "delivered")], provider="sendgrid", by=SENDGRID)

        assert at_once(end, told) == [None, 1]
        row.refresh_from_db()
        assert (row.state, row.provider_id) == (State.DELIVERED, "p-1")
