"""Files of a booking: its customer may bring and read them, staff by their permission, nobody else."""

import uuid

import pytest

from accounts.tests.factories import make_user
from bookings.actions import cancellation
from bookings.registrations import may_attach, may_read
from bookings.tests.factories import make_booking
from common.actor import Actor
from uploads import ports
from uploads.errors import InvalidState

pytestmark = pytest.mark.django_db


def test_bookings_are_a_thing_that_files_belong_to():
    kind = ports.target_kind("booking")
    assert kind is not None
    assert (kind.may_attach, kind.may_read) == (may_attach, may_read)


def test_the_customer_of_the_booking_and_nobody_elses():
    booking = make_booking()
    own, other = Actor.customer(id=booking.pk), Actor.customer(id=uuid.uuid4())
    assert (may_attach(own, booking.pk), may_read(own, booking.pk)) == (True, True)
    assert (may_attach(other, booking.pk), may_read(other, booking.pk)) == (False, False)
    assert (may_attach(Actor.system("visitor"), booking.pk), may_read(Actor.system("visitor"), booking.pk)) == (
        False,
        False,
    )


@pytest.mark.parametrize(
    ("role", "attach", "read"), [("Sales", True, True), ("Editor", False, True), ("Author", False, False)]
)
def test_staff_by_their_roles(role, attach, read):
    booking = make_booking()
    actor = Actor.staff(make_user(held=(role,)))
    assert (may_attach(actor, booking.pk), may_read(actor, booking.pk)) == (attach, read)


def test_a_closed_booking_takes_no_files():
    booking = make_booking()
    customer = Actor.customer(id=booking.pk)
    cancellation.cancel(booking_id=booking.pk, by=customer)
    with pytest.raises(InvalidState):
        may_attach(customer, booking.pk)
    assert may_read(customer, booking.pk)


def test_an_unknown_booking_is_nothing_to_attach_to():
    unknown = uuid.uuid4()
    assert not may_attach(Actor.customer(id=unknown), unknown)
