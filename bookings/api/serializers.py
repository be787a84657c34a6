"""Bodies of bookings: what a request may hold, and the shape of each answer."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import serializers

from bookings import selectors
from bookings.constants import NAME_LENGTH, NOTES_LENGTH, REASON_LENGTH, Mode, Status
from bookings.models import Booking, ServiceOffer
from bookings.slots import Slot
from bookings.validators import phone_number, validate_one_line, validate_text
from common.api.serializers import (
    CursorLinksSerializer,
    CursorMetaSerializer,
    InstantField,
    MoneySerializer,
    SelfLinkSerializer,
    StrictBooleanField,
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
)
from common.instants import instant

HONEYPOT = "website"


class StrictEmailField(serializers.EmailField):
    """An address that must be a JSON string."""

    def to_internal_value(self, data: Any) -> str:
        """The trimmed text."""
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class PhoneField(StrictCharField):
    """E.164; the usual separators are taken out."""

    def to_internal_value(self, data: Any) -> str:
        """The number, or empty."""
        try:
            return phone_number(super().to_internal_value(data))
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.messages, code="invalid") from error


class CustomerRequest(StrictSerializer):
    """Who books."""

    name = StrictCharField(max_length=NAME_LENGTH, validators=[validate_one_line])
    email = StrictEmailField(max_length=254)
    phone = PhoneField(required=False, allow_blank=True, default="")


class BookingRequest(StrictSerializer):
    """POST /api/bookings. A member named `website` is the trap for robots and is not described."""

    service = StrictCharField(max_length=255, help_text="The slug of a live service.")
    starts_at = InstantField(required=False, help_text="Required where the mode is `slot`.")
    customer = CustomerRequest()
    notes = StrictCharField(
        required=False, allow_blank=True, default="", max_length=NOTES_LENGTH, validators=[validate_text]
    )
    zone = StrictCharField(required=False, default="", max_length=64, help_text="IANA name of the zone that was shown.")
    consent = StrictBooleanField()

    def to_internal_value(self, data: Any) -> Any:
        """Take the trap out before unknown members are refused; `spam` says whether it was filled."""
        trap = ""
        if isinstance(data, Mapping):
            trap = data.get(HONEYPOT, "")
            data = {name: value for name, value in data.items() if name != HONEYPOT}
        values = super().to_internal_value(data)
        values["spam"] = bool(trap)
        return values

    def validate_consent(self, value: bool) -> bool:  # noqa: FBT001
        """Without consent there is no booking."""
        if not value:
            raise serializers.ValidationError("Consent is needed.", code="consent_required")
        return value


class CancelRequest(StrictSerializer):
    """POST …/cancel."""

    reason = StrictCharField(
        required=False, allow_blank=True, default="", max_length=REASON_LENGTH, validators=[validate_text]
    )
    refund_amount = StrictIntegerField(
        required=False, allow_null=True, default=None, min_value=0, help_text="Staff only; minor units, in all."
    )


class DeclineRequest(StrictSerializer):
    """POST …/decline."""

    reason = StrictCharField(
        required=False, allow_blank=True, default="", max_length=REASON_LENGTH, validators=[validate_text]
    )


class SlotSerializer(serializers.Serializer[Any]):
    """A free time."""

    starts_at = InstantField()
    ends_at = InstantField()
    remaining = serializers.IntegerField(help_text="Places that are still free.")


class SlotMeta(serializers.Serializer[Any]):
    """What the list of free times covers."""

    zone = serializers.CharField()
    mode = serializers.ChoiceField(choices=Mode.choices)
    duration_minutes = serializers.IntegerField(allow_null=True)


class SlotListSerializer(serializers.Serializer[Any]):
    """GET /api/services/{slug}/slots."""

    data = SlotSerializer(many=True)  # type: ignore[assignment]  # the member is named like DRF's property
    meta = SlotMeta()
    links = SelfLinkSerializer()


class ServiceReference(serializers.Serializer[Any]):
    """The service, with the title that it had when it was booked."""

    slug = serializers.CharField()
    title = serializers.CharField()


class QuoteSerializer(serializers.Serializer[Any]):
    """The agreed price in minor units; `due` is the first payment."""

    amount = serializers.IntegerField()
    deposit = serializers.IntegerField()
    due = serializers.IntegerField()
    currency = serializers.CharField()


class CustomerSerializer(serializers.Serializer[Any]):
    """Who booked."""

    name = serializers.CharField()
    email = serializers.EmailField()
    phone = serializers.CharField(allow_blank=True)


class BookingSerializer(serializers.Serializer[Any]):
    """A booking."""

    id = serializers.UUIDField()
    reference = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.choices)
    service = ServiceReference()
    starts_at = InstantField(allow_null=True)
    ends_at = InstantField(allow_null=True)
    zone = serializers.CharField()
    hold_expires_at = InstantField(allow_null=True)
    quote = QuoteSerializer()
    paid_amount = serializers.IntegerField()
    refunded_amount = serializers.IntegerField()
    customer = CustomerSerializer()
    notes = serializers.CharField(allow_blank=True)
    sequence = serializers.IntegerField()


class CreatedBookingSerializer(BookingSerializer):
    """A new booking, with its token: here and never again."""

    token = serializers.CharField()


class CancelledBookingSerializer(BookingSerializer):
    """A cancelled booking with what will be refunded."""

    refund = MoneySerializer()


class BookingListSerializer(serializers.Serializer[Any]):
    """GET /api/bookings."""

    data = BookingSerializer(many=True)  # type: ignore[assignment]  # the member is named like DRF's property
    meta = CursorMetaSerializer()
    links = CursorLinksSerializer()


def booking_body(booking: Booking) -> dict[str, Any]:
    """A booking as every answer shows it. Spam is shown as the hold that its sender expects."""
    return {
        "id": str(booking.pk),
        "reference": booking.reference,
        "status": Status.HELD.value if booking.spam else booking.status,
        "service": {"slug": booking.service.slug, "title": booking.service_title},
        "starts_at": instant(booking.starts_at),
        "ends_at": instant(booking.ends_at),
        "zone": booking.zone,
        "hold_expires_at": instant(booking.hold_expires_at),
        "quote": selectors.quote(booking),
        "paid_amount": booking.paid_amount,
        "refunded_amount": booking.refunded_amount,
        "customer": {
            "name": booking.customer_name,
            "email": booking.customer_email,
            "phone": booking.customer_phone,
        },
        "notes": booking.notes,
        "sequence": booking.sequence,
    }


def cancelled_body(booking: Booking) -> dict[str, Any]:
    """A cancelled booking, with what the customer gets back in all."""
    refund = {"amount": booking.refund_due_amount, "currency": booking.currency}
    return {**booking_body(booking), "refund": refund}


def slot_body(slot: Slot) -> dict[str, Any]:
    """A free time."""
    return {"starts_at": instant(slot.starts_at), "ends_at": instant(slot.ends_at), "remaining": slot.remaining}


def offer_body(offer: ServiceOffer) -> dict[str, Any]:
    """The `booking` key of a service."""
    return {
        "mode": offer.mode,
        "duration_minutes": offer.duration_minutes,
        "price": {"amount": offer.price_amount, "currency": offer.currency},
        "deposit_percent": offer.deposit_percent,
    }
