"""Thin views: parse, one action or selector, answer."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from bookings import calendar_file, selectors, tokens, windows
from bookings.actions import cancellation, creation, decisions
from bookings.api.filters import LIST_PARAMETERS, booking_filters, filtered
from bookings.api.parameters import ID, LIST_DESCRIBED, SLOT_DESCRIBED
from bookings.api.serializers import (
    BookingListSerializer,
    BookingRequest,
    BookingSerializer,
    CancelledBookingSerializer,
    CancelRequest,
    CreatedBookingSerializer,
    DeclineRequest,
    SlotListSerializer,
    booking_body,
    cancelled_body,
    slot_body,
)
from bookings.constants import Mode
from bookings.errors import InvalidTransition, NotBookable, SlotNotOffered, SlotTaken, TooLateToCancel
from bookings.models import Booking
from cms.selectors import live_service
from common import limits
from common.actor import Actor, ActorKind, actor_of
from common.api.body import parse
from common.api.permissions import grant_or_staff, staff
from common.api.schema import operation
from common.api.views import ApiView
from common.client_ip import caller
from common.clock import db_now
from common.errors import NotFound, RateLimited
from common.grants import grant_or_user
from common.links import absolute
from common.pagination import cursor_list
from common.parameters import refuse_unknown, single
from idempotency.actions import Outcome, run_once
from idempotency.errors import (
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
    InvalidIdempotencyKey,
    RequestInProgress,
)

TAGS = ["Bookings"]
CREATE_ERRORS = [
    SlotTaken, NotBookable, SlotNotOffered, RateLimited, IdempotencyKeyRequired, IdempotencyKeyReused,
    InvalidIdempotencyKey, RequestInProgress,
]  # fmt: skip


class SlotsView(ApiView):
    """Free times of a service."""

    @operation(
        "listSlots", responses={200: SlotListSerializer}, errors=[NotFound], parameters=SLOT_DESCRIBED, tags=TAGS
    )
    def get(self, request: Request, slug: str) -> Response:
        """The times with a free place, in UTC, sorted; empty where no time is picked."""
        refuse_unknown(request, ["from", "to", "zone"])
        now = db_now()
        zone = windows.parse_zone(single(request, "zone"), default=settings.STUDIO_TIME_ZONE)
        first = windows.parse_day(single(request, "from"), parameter="from", now=now)
        last = windows.parse_day(single(request, "to"), parameter="to", now=now)
        window = windows.window(first, last, zone=zone, now=now)
        offer = selectors.live_offer(slug)
        if offer is None and live_service(slug) is None:
            raise NotFound
        data = [slot_body(slot) for slot in selectors.slots_for(offer, window=window, now=now)]
        meta = {
            "zone": zone.key,
            "mode": offer.mode if offer else Mode.NONE.value,
            "duration_minutes": offer.duration_minutes if offer else None,
        }
        return Response({"data": data, "meta": meta, "links": {"self": absolute(request.get_full_path())}})


class BookingsView(ApiView):
    """Make a booking; list them for staff."""

    def get_permissions(self) -> list[Any]:
        """Anybody may book; only staff see the list."""
        return [staff("bookings.view_booking")()] if self.request.method == "GET" else []

    @operation(
        "createBooking", request=BookingRequest, responses={201: CreatedBookingSerializer}, errors=CREATE_ERRORS,
        auth="any", tags=TAGS,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Hold a time, or ask for a booking. `Idempotency-Key` is required."""
        by = actor_of(request)
        if by.kind != ActorKind.STAFF:
            limits.hit("PUBLIC_WRITE", key=caller())
        response = run_once(
            request,
            route="createBooking",
            required=True,
            perform=lambda: _create(request, by),
            render=lambda booking_id: _created_body(selectors.booking_by_id(booking_id)),
            atomic=True,
        )
        response["Location"] = absolute(f"/api/bookings/{response.data['id']}")
        return response

    @operation(
        "listBookings", responses={200: BookingListSerializer}, parameters=LIST_DESCRIBED, auth="staff", tags=TAGS
    )
    def get(self, request: Request) -> Response:
        """All bookings, newest first."""
        refuse_unknown(request, LIST_PARAMETERS)
        filters = booking_filters(request)
        return cursor_list(
            request,
            filtered(selectors.booking_list(), filters),
            name="bookings",
            instant="created_at",
            filters=filters,
            serialize=lambda rows: [booking_body(row) for row in rows],
        )


class BookingView(ApiView):
    """One booking."""

    permission_classes = [grant_or_staff("bookings.view_booking")]

    @operation(
        "getBooking", responses={200: BookingSerializer}, errors=[NotFound], parameters=[ID], auth="token", tags=TAGS
    )
    def get(self, request: Request, booking_id: UUID) -> Response:
        """The booking with its `ETag`."""
        return _answer(selectors.booking_for(booking_id=booking_id, grant_or_user=grant_or_user(request)))


class CancelView(ApiView):
    """Cancel a booking."""

    permission_classes = [grant_or_staff("bookings.change_booking")]

    @operation(
        "cancelBooking", request=CancelRequest, responses={200: CancelledBookingSerializer},
        errors=[NotFound, InvalidTransition, TooLateToCancel], parameters=[ID], auth="token", tags=TAGS,
    )  # fmt: skip
    def post(self, request: Request, booking_id: UUID) -> Response:
        """Cancel; what was paid is refunded as the policy, or staff, say. Again: the same answer."""
        found = selectors.booking_for(booking_id=booking_id, grant_or_user=grant_or_user(request))
        values = parse(request, CancelRequest)
        booking = cancellation.cancel(booking_id=found.pk, by=_actor(request, found), **values)
        return Response(cancelled_body(booking), headers={"ETag": _etag(booking)})


class CalendarFileView(ApiView):
    """The booking for a calendar."""

    permission_classes = [grant_or_staff("bookings.view_booking")]

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:  # noqa: FBT001, FBT002
        """A calendar file is not JSON: whatever the client accepts, problems are."""
        return super().perform_content_negotiation(request, force=True)

    @operation(
        "getBookingCalendar", responses={(200, "text/calendar"): str}, errors=[NotFound], parameters=[ID],
        auth="token", tags=TAGS,
    )  # fmt: skip
    def get(self, request: Request, booking_id: UUID) -> HttpResponse:
        """RFC 5545; a booking without a time has no file and is 404."""
        return calendar_file.answer(selectors.booking_for(booking_id=booking_id, grant_or_user=grant_or_user(request)))


class ConfirmView(ApiView):
    """Staff confirm a request."""

    permission_classes = [staff("bookings.change_booking")]

    @operation(
        "confirmBooking", responses={200: BookingSerializer}, errors=[NotFound, InvalidTransition], parameters=[ID],
        auth="staff", tags=TAGS,
    )  # fmt: skip
    def post(self, request: Request, booking_id: UUID) -> Response:
        """Confirm a request or a hold by hand."""
        return _answer(decisions.confirm(booking_id=booking_id, by=actor_of(request)))


class DeclineView(ApiView):
    """Staff decline a request."""

    permission_classes = [staff("bookings.change_booking")]

    @operation(
        "declineBooking", request=DeclineRequest, responses={200: BookingSerializer},
        errors=[NotFound, InvalidTransition], parameters=[ID], auth="staff", tags=TAGS,
    )  # fmt: skip
    def post(self, request: Request, booking_id: UUID) -> Response:
        """Decline a request."""
        values = parse(request, DeclineRequest)
        return _answer(decisions.decline(booking_id=booking_id, by=actor_of(request), **values))


def _create(request: Request, by: Actor) -> Outcome:
    values = parse(request, BookingRequest)
    order = creation.Order(
        service=values["service"],
        starts_at=values.get("starts_at"),
        customer=creation.Customer(**values["customer"]),
        notes=values["notes"],
        zone=values["zone"],
        source_page=request.headers.get("Referer", "")[:500],
        spam=values["spam"],
    )
    booking = creation.create(order=order, by=by)
    return Outcome(201, str(booking.pk), _created_body(booking))


def _created_body(booking: Booking) -> dict[str, Any]:
    return {**booking_body(booking), "token": tokens.make(booking)}


def _answer(booking: Booking) -> Response:
    return Response(booking_body(booking), headers={"ETag": _etag(booking)})


def _etag(booking: Booking) -> str:
    return f'"v{booking.lock_version}"'


def _actor(request: Request, booking: Booking) -> Actor:
    by = actor_of(request)
    return Actor.customer(id=booking.pk, label=booking.customer_name) if by.kind == ActorKind.CUSTOMER else by
