"""Files of a booking: its customer may bring and read them, staff by their permission, nobody else."""

import uuid
from datetime import timedelta

import pytest

from accounts.tests.factories import make_user
from bookings.actions import cancellation
from bookings.constants import Status
from bookings.models import Booking
from bookings.registrations import may_attach, may_read
from bookings.tests.factories import make_booking, with_status
from common.actor import Actor
from common.clock import shift
from common.errors import NotFound, PermissionDenied
from uploads import ports, rights
from uploads.constants import Purpose
from uploads.errors import InvalidState

pytestmark = pytest.mark.django_db
HOLD = timedelta(minutes=15).total_seconds()


def attach(actor, booking_id):
    rights.require_attach(purpose=Purpose.BOOKING_ATTACHMENT, target_id=booking_id, actor=actor)


def colleague(*held):
    return Actor.staff(make_user(f"{'-'.join(held).lower() or 'none'}@example.com", held=held))


def test_bookings_are_a_thing_that_files_belong_to():
    assert ports.target_kind("booking") == ports.TargetKind(
        "bookings.change_booking", "bookings.view_booking", may_attach, may_read
    )


def test_the_customer_of_the_booking_and_nobody_elses():
    booking = make_booking()
    own, other, visitor = Actor.customer(id=booking.pk), Actor.customer(id=uuid.uuid4()), Actor.system("visitor")
    attach(own, booking.pk)
    assert may_read(own, booking.pk)
    for stranger in (other, visitor):
        assert not may_read(stranger, booking.pk)
        with pytest.raises(NotFound):
            attach(stranger, booking.pk)


@pytest.mark.parametrize(
    ("role", "refusal"),
    [
        ("Owner", None),
        ("Sales", None),
        ("Editor", PermissionDenied),
        ("Auditor", PermissionDenied),
        ("Author", NotFound),
    ],
)
def test_staff_by_their_roles(role, refusal):
    booking, actor = make_booking(), colleague(role)
    if refusal is None:
        attach(actor, booking.pk)
        return
    with pytest.raises(refusal):
        attach(actor, booking.pk)


@pytest.mark.parametrize("role", ["Owner", "Editor", "Author"])
def test_an_unknown_booking_is_nothing_to_attach_to(role):
    with pytest.raises(NotFound):
        attach(colleague(role), uuid.uuid4())
    unknown = uuid.uuid4()
    assert not may_attach(Actor.customer(id=unknown), unknown)


def test_a_cancelled_booking_takes_no_files_and_shows_those_that_it_has():
    booking = make_booking()
    customer = Actor.customer(id=booking.pk)
    cancellation.cancel(booking_id=booking.pk, by=customer)
    for actor in (customer, colleague("Sales")):
        with pytest.raises(InvalidState):
            attach(actor, booking.pk)
        assert may_read(actor, booking.pk)


@pytest.mark.parametrize("status", Status)
def test_which_states_take_files(status):
    booking = with_status(make_booking(), status)
    customer = Actor.customer(id=booking.pk)
    if status in {Status.CANCELLED, Status.DECLINED, Status.EXPIRED}:
        with pytest.raises(InvalidState):
            attach(customer, booking.pk)
    else:
        attach(customer, booking.pk)


def test_a_hold_that_has_run_out_is_over_before_a_job_says_so():
    booking = make_booking()
    customer = Actor.customer(id=booking.pk)
    with shift(HOLD - 5):
        attach(customer, booking.pk)
    with shift(HOLD), pytest.raises(InvalidState):
        attach(customer, booking.pk)


def test_spam_is_shown_to_no_one():
    booking = make_booking()
    Booking.objects.filter(pk=booking.pk).update(spam=True)
    with pytest.raises(InvalidState):
        attach(Actor.customer(id=booking.pk), booking.pk)
    staff = colleague("Sales")
    with pytest.raises(NotFound):
        attach(staff, booking.pk)
    assert not may_read(staff, booking.pk)
