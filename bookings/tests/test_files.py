"""Files of a booking: its customer may bring and read them, staff by their permission, nobody else."""

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse

from accounts.tests.factories import make_user
from audit.models import AuditEvent
from bookings import tokens
from bookings.actions import cancellation, removal
from bookings.constants import Status
from bookings.errors import InvalidTransition
from bookings.models import Booking
from bookings.registrations import may_attach, may_read
from bookings.tests.factories import TEST, make_booking, slot_start, with_status
from common.actor import Actor
from common.clock import shift
from common.errors import NotFound, PermissionDenied
from jobs.testing import run_due
from payments.tests.factories import make_payment
from uploads import ports, rights
from uploads.constants import Purpose
from uploads.errors import InvalidState
from uploads.models import File
from uploads.tests.factories import arrived, picture, waiting

pytestmark = pytest.mark.django_db
HOLD = timedelta(minutes=15).total_seconds()


def attach(actor, booking_id):
    rights.require_attach(purpose=Purpose.BOOKING_ATTACHMENT, target_id=booking_id, actor=actor)


def colleague(*held):
    return Actor.staff(make_user(f"{'-'.join(held).lower() or 'none'}@example.com", held=held))


def test_bookings_are_a_thing_that_files_belong_to():
    assert ports.target_kind("booking") == ports.TargetKind(
        "bookings.change_booking", "bookings.view_booking", may_attach, may_read, "bookings.Booking"
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


@pytest.fixture
def attached():
    """A booking with a file that is ready and one that was rejected."""
    booking = make_booking()
    own = {"purpose": Purpose.BOOKING_ATTACHMENT, "target_kind": "booking", "target_id": booking.pk}
    owner = {"owner_kind": "customer", "owner_id": str(booking.pk)}
    ready = waiting(picture(), name="plan <b>.png", **own, **owner)
    run_due()
    ready.refresh_from_db()
    arrived(picture(), name="broken.png", state="rejected", reason="unreadable", **own, **owner)
    return booking, ready


def test_staff_see_the_files_on_the_bookings_page(client, attached):
    booking, ready = attached
    client.force_login(make_user(held=("Sales",)))
    page = client.get(reverse("admin:bookings_booking_change", args=[booking.pk])).content.decode()
    assert f'<a href="/admin/uploads/file/{ready.pk}/change/"><bdi>plan &lt;b&gt;.png</bdi></a>' in page
    assert "broken.png" in page
    assert "Rejected" in page
    assert not AuditEvent.objects.filter(action="file.read").exists()


def test_the_customer_downloads_from_the_bookings_page(client, attached):
    booking, ready = attached
    address = f"/bookings/{booking.pk}/files/{ready.pk}"
    assert client.get(address).status_code == 404
    client.cookies[f"bk_{booking.pk}"] = tokens.make(booking)
    page = client.get(f"/bookings/{booking.pk}").content.decode()
    assert f'<a href="{address}"><bdi>plan &lt;b&gt;.png</bdi></a>' in page
    assert "broken.png" not in page
    answer = client.get(address)
    assert answer.status_code == 302
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]
    served = client.get("/" + answer["Location"].split("/", 3)[3])
    assert served["Content-Disposition"] == "attachment; filename*=UTF-8''plan%20%3Cb%3E.png"
    content = b"".join(served.streaming_content)
    assert (content[:4], len(content)) == (b"\x89PNG", ready.clean_size)


def test_no_file_of_another_booking_opens(client, attached):
    booking, ready = attached
    other = make_booking(booking.service.booking_offer, slot_start(12))
    client.cookies[f"bk_{other.pk}"] = tokens.make(other)
    assert client.get(f"/bookings/{other.pk}/files/{ready.pk}").status_code == 404
    assert client.get(f"/bookings/{booking.pk}/files/{ready.pk}").status_code == 404


class TestRemoval:
    """A booking that came to nothing may go, and its files with it."""

    def test_its_files_are_withdrawn(self, attached):
        booking, ready = attached
        with_status(booking, Status.EXPIRED)
        removal.delete(booking_id=booking.pk, by=TEST)
        assert not Booking.objects.exists()
        assert set(File.objects.values_list("state", flat=True)) == {"deleting"}
        ready.refresh_from_db()
        assert ready.remove_after - ready.deleted_at == timedelta(days=30)
        actions = AuditEvent.objects.order_by("pk").values_list("action", flat=True)
        assert list(actions)[-3:] == ["file.deleting", "file.deleting", "booking.deleted"]

    def test_an_open_one_stays(self, attached):
        booking, _ = attached
        with pytest.raises(InvalidTransition):
            removal.delete(booking_id=booking.pk, by=TEST)
        assert Booking.objects.count() == 1
        assert not File.objects.filter(state="deleting").exists()

    def test_one_with_a_payment_stays_with_its_files(self, attached):
        booking, _ = attached
        make_payment(booking)
        with_status(booking, Status.EXPIRED)
        with pytest.raises(InvalidTransition):
            removal.delete(booking_id=booking.pk, by=TEST)
        assert Booking.objects.count() == 1
        assert not File.objects.filter(state="deleting").exists()
        assert not AuditEvent.objects.filter(action="booking.deleted").exists()

    def test_in_the_admin_by_who_may(self, client, attached):
        booking, _ = attached
        client.force_login(make_user(held=("Sales",)))
        address = reverse("admin:bookings_booking_delete", args=[booking.pk])
        assert client.post(address, {"post": "yes"}).status_code == 403
        with_status(booking, Status.EXPIRED)
        assert client.post(address, {"post": "yes"}).status_code == 302
        assert not Booking.objects.exists()
        assert AuditEvent.objects.get(action="booking.deleted").actor_kind == "staff"
