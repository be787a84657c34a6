"""The table of states, holds, what staff decide, and cancelling."""

from contextlib import nullcontext
from datetime import timedelta

import pytest
from django.db import transaction

from accounts.tests.factories import staff
from audit.models import AuditEvent
from bookings import selectors
from bookings.actions import cancellation, decisions, holds, transitions
from bookings.constants import Mode, Status
from bookings.errors import InvalidTransition, NothingToReview, TooLateToCancel
from bookings.models import Booking
from bookings.tests.factories import (
    TEST,
    bearer,
    body,
    key,
    make_booking,
    make_offer,
    slot_start,
    with_status,
)
from common.actor import Actor
from common.clock import db_now, shift
from common.errors import ValidationFailed
from jobs.models import Job
from jobs.testing import run_due
from mail.models import Message

pytestmark = pytest.mark.django_db

ALLOWED = {
    ("held", "confirmed"),
    ("held", "expired"),
    ("held", "cancelled"),
    ("requested", "confirmed"),
    ("requested", "declined"),
    ("requested", "cancelled"),
    ("confirmed", "completed"),
    ("confirmed", "no_show"),
    ("confirmed", "cancelled"),
    ("expired", "confirmed"),
}


@pytest.mark.parametrize("source", Status.values)
def test_the_whole_table_of_states(source):
    booking = make_booking()
    for target in Status.values:
        Booking.objects.update(status=source, lock_version=1, **cancellation_fields(source))
        booking.refresh_from_db()
        check_move(booking, source, target)


def cancellation_fields(status):
    cancelled = status == Status.CANCELLED
    return {"cancelled_at": db_now() if cancelled else None, "cancelled_by": "system:test" if cancelled else ""}


def check_move(booking, source, target):
    events = AuditEvent.objects.count()
    fields = cancellation_fields(target) if target == Status.CANCELLED else {}
    happens = (source, target) in ALLOWED
    with transaction.atomic(), nullcontext() if happens else pytest.raises(InvalidTransition) as refusal:
        transitions.move(booking=booking, to=target, event="booking.expired", by=TEST, now=db_now(), **fields)
    if not happens:
        allowed = sorted(to for start, to in ALLOWED if start == source)
        assert refusal.value.members == {"state": source, "allowed": allowed}
    booking.refresh_from_db()
    assert booking.status == (target if happens else source)
    assert booking.lock_version == (2 if happens else 1)
    assert AuditEvent.objects.count() - events == int(happens)


# --- holds ------------------------------------------------------------------------------------------------------------


def test_a_hold_ends_at_second_900_and_not_at_899(api):
    offer = make_offer()
    first = make_booking(offer)
    left = (first.hold_expires_at - db_now()).total_seconds()
    with shift(left - 1):
        assert api.post("/api/bookings", body(offer, first.starts_at), **key()).json()["code"] == "slot_taken"
    assert (first.hold_expires_at - first.created_at) == timedelta(seconds=900)
    with shift(left):
        assert api.post("/api/bookings", body(offer, first.starts_at), **key()).status_code == 201
    first.refresh_from_db()
    assert first.status == Status.EXPIRED
    assert AuditEvent.objects.get(action="booking.expired").actor_id == "bookings.expire_holds"


def test_the_job_frees_what_has_run_out_and_nothing_else():
    offer = make_offer(capacity=3)
    old = make_booking(offer)
    confirmed = with_status(make_booking(offer), Status.CONFIRMED)
    with shift(600):
        young = make_booking(offer)
    with shift(901), transaction.atomic():
        assert holds.expire_due(by=TEST, now=db_now()) == 1
    states = dict(Booking.objects.values_list("pk", "status"))
    assert states == {old.pk: "expired", confirmed.pk: "confirmed", young.pk: "held"}


def test_the_schedule_has_the_job():
    from common.handlers import registry

    assert registry["bookings.expire_holds"].every == timedelta(minutes=1)


# --- staff ------------------------------------------------------------------------------------------------------------


def test_staff_confirm_and_decline_requests(api):
    offer = make_offer(mode=Mode.REQUEST, capacity=2)
    one, two = make_booking(offer, slot_start()), make_booking(offer, slot_start())
    user, client = staff("Sales")
    answer = client.post(f"/api/bookings/{one.pk}/confirm")
    assert (answer.status_code, answer.json()["status"], answer["ETag"]) == (200, "confirmed", '"v2"')
    assert client.post(f"/api/bookings/{one.pk}/confirm").json()["status"] == "confirmed"
    answer = client.post(f"/api/bookings/{two.pk}/decline", {"reason": "On leave"})
    assert (answer.status_code, answer.json()["status"]) == (200, "declined")
    refused = client.post(f"/api/bookings/{two.pk}/confirm")
    assert (refused.status_code, refused.json()["code"], refused.json()["state"]) == (
        409,
        "invalid_transition",
        "declined",
    )
    templates = list(Message.objects.order_by("created_at").values_list("template", flat=True))
    assert templates == ["bookings/requested", "bookings/requested", "bookings/confirmed", "bookings/declined"]
    event = AuditEvent.objects.get(action="booking.declined")
    assert (event.actor_kind, event.actor_id, event.reason) == ("staff", str(user.pk), "On leave")


@pytest.mark.parametrize("call", ["confirm", "decline"])
def test_only_staff_with_the_permission_decide(api, call):
    booking = make_booking(make_offer(mode=Mode.REQUEST), slot_start())
    address = f"/api/bookings/{booking.pk}/{call}"
    assert api.post(address).status_code == 401
    assert api.post(address, **bearer(booking)).status_code == 403
    assert staff("Auditor")[1].post(address).status_code == 403
    booking.refresh_from_db()
    assert booking.status == Status.REQUESTED


def test_an_expired_booking_is_not_confirmed_by_hand():
    booking = with_status(make_booking(), Status.EXPIRED)
    with pytest.raises(InvalidTransition):
        decisions.confirm(booking_id=booking.pk, by=TEST)


# --- cancelling -------------------------------------------------------------------------------------------------------


def paid_booking(days=5, **values):
    booking = with_status(make_booking(make_offer(**values), slot_start(days=days)), Status.CONFIRMED)
    Booking.objects.update(paid_amount=75_000)
    booking.refresh_from_db()
    return booking


def test_a_customer_cancels_in_time_and_gets_all_back(api):
    booking = paid_booking()
    answer = api.post(f"/api/bookings/{booking.pk}/cancel", {"reason": "Ill"}, **bearer(booking))
    assert answer.status_code == 200, answer.json()
    found = answer.json()
    assert (found["status"], found["refund"], found["sequence"]) == (
        "cancelled",
        {"amount": 75_000, "currency": "KES"},
        1,
    )
    job = Job.objects.get(kind="payments.refund_cancelled")
    assert job.args == {"booking_id": str(booking.pk)}
    again = api.post(f"/api/bookings/{booking.pk}/cancel", {"reason": "Still ill"}, **bearer(booking))
    assert again.json() == found
    booking.refresh_from_db()
    assert (booking.cancel_reason, booking.cancelled_by) == ("Ill", f"customer:{booking.pk}")
    assert Job.objects.filter(kind="payments.refund_cancelled").count() == 1
    assert AuditEvent.objects.filter(action="booking.cancelled").count() == 1
    assert Message.objects.filter(template="bookings/cancelled").count() == 1


def test_nothing_paid_means_no_refund_job(api):
    booking = make_booking()
    answer = api.post(f"/api/bookings/{booking.pk}/cancel", {}, **bearer(booking))
    assert answer.json()["refund"] == {"amount": 0, "currency": "KES"}
    assert not Job.objects.filter(kind="payments.refund_cancelled").exists()
    assert (
        api.post("/api/bookings", body(selectors.live_offer("discovery-workshop"), slot_start()), **key()).status_code
        == 201
    )


def test_the_deadline_counts_from_the_earliest_start_ever(api):
    booking = paid_booking()
    deadline = booking.starts_at - timedelta(hours=48)
    Booking.objects.update(starts_at=booking.starts_at + timedelta(days=9), ends_at=booking.ends_at + timedelta(days=9))
    left = (deadline - db_now()).total_seconds()
    with shift(left + 1):
        answer = api.post(f"/api/bookings/{booking.pk}/cancel", {}, **bearer(booking))
    assert (answer.status_code, answer.json()["code"]) == (409, "too_late_to_cancel")
    assert answer.json()["until"] == deadline.strftime("%Y-%m-%dT%H:%M:%SZ")
    booking.refresh_from_db()
    assert (booking.status, booking.refund_due_amount) == ("confirmed", 0)
    with shift(left - 5):
        assert api.post(f"/api/bookings/{booking.pk}/cancel", {}, **bearer(booking)).status_code == 200


def test_an_unpaid_hold_may_always_be_given_up(api):
    booking = make_booking(make_offer(), slot_start(days=1))
    assert booking.starts_at - db_now() < timedelta(hours=48)
    assert api.post(f"/api/bookings/{booking.pk}/cancel", {}, **bearer(booking)).status_code == 200


def test_staff_choose_the_amount_also_when_it_is_late():
    booking = paid_booking(days=1)
    _, client = staff("Sales")
    for amount in (75_001, -1, "75000", True, 1.5):
        answer = client.post(f"/api/bookings/{booking.pk}/cancel", {"refund_amount": amount})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "#/refund_amount")
    answer = client.post(f"/api/bookings/{booking.pk}/cancel", {"refund_amount": 50_000})
    assert answer.json()["refund"]["amount"] == 50_000
    booking.refresh_from_db()
    assert selectors.refund_owed(booking) == 50_000


def test_a_customer_does_not_choose_the_amount(api):
    booking = paid_booking()
    answer = api.post(f"/api/bookings/{booking.pk}/cancel", {"refund_amount": 1}, **bearer(booking))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "not_allowed")
    booking.refresh_from_db()
    assert booking.status == "confirmed"


def test_what_is_over_cannot_be_cancelled(api):
    booking = with_status(make_booking(), Status.COMPLETED)
    answer = api.post(f"/api/bookings/{booking.pk}/cancel", {}, **bearer(booking))
    assert (answer.status_code, answer.json()["code"], answer.json()["allowed"]) == (409, "invalid_transition", [])


def test_only_its_own_token_cancels(api):
    booking = make_booking()
    other = make_booking(make_offer(selectors_service()), slot_start())
    assert api.post(f"/api/bookings/{booking.pk}/cancel", {}).status_code == 401
    assert api.post(f"/api/bookings/{booking.pk}/cancel", {}, **bearer(other)).status_code == 404
    assert staff("Auditor")[1].post(f"/api/bookings/{booking.pk}/cancel", {}).status_code == 403
    booking.refresh_from_db()
    assert booking.status == "held"


def selectors_service():
    from bookings.tests.factories import make_service

    return make_service("other")


def test_direct_cancel_by_a_customer_late_changes_nothing():
    booking = paid_booking(days=1)
    events = AuditEvent.objects.count()
    with pytest.raises(TooLateToCancel):
        cancellation.cancel(booking_id=booking.pk, by=Actor.customer(id=booking.pk))
    assert AuditEvent.objects.count() == events


# --- money that needs a decision --------------------------------------------------------------------------------------


def test_a_review_is_settled_once_and_within_its_bounds():
    booking = with_status(make_booking(), Status.EXPIRED)
    Booking.objects.update(paid_amount=75_000, refunded_amount=5_000, review_reason="seat_gone")
    for amount in (4_999, 75_001):
        with pytest.raises(ValidationFailed):
            decisions.resolve_review(booking_id=booking.pk, by=TEST, refund_amount=amount)
    settled = decisions.resolve_review(booking_id=booking.pk, by=TEST, refund_amount=75_000)
    assert (settled.review_reason, selectors.refund_owed(settled)) == ("", 70_000)
    assert Job.objects.filter(kind="payments.refund_cancelled").count() == 1
    with pytest.raises(NothingToReview):
        decisions.resolve_review(booking_id=booking.pk, by=TEST, refund_amount=75_000)


def test_the_start_page_says_what_waits():
    with_status(make_booking(), Status.REQUESTED)
    assert [one.count for one in selectors.needs_you()] == [1, 0]
    Booking.objects.update(review_reason="amount")
    assert [one.count for one in selectors.needs_you()] == [1, 1]


def test_mails_leave_with_the_link_and_the_calendar_file(mailoutbox):
    booking = make_booking(make_offer(price_amount=0), notes="")
    run_due()
    [sent] = mailoutbox
    assert sent.to == ["brian@example.org"]
    assert sent.subject == "Confirmed: Discovery workshop"
    from bookings import tokens

    link = f"http://testserver/b/{tokens.make(booking)}"
    assert link in sent.body
    assert link in sent.alternatives[0].content
    [(name, content, kind)] = [tuple(one) for one in sent.attachments]
    text = content if isinstance(content, str) else content.decode()
    assert (name, kind.split(";")[0]) == (f"booking-{booking.reference}.ics", "text/calendar")
    assert "METHOD:PUBLISH" in text
