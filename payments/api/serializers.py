"""What requests to payments may hold, and the shape of each answer."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from rest_framework import serializers

from bookings.constants import Purpose
from common.api.serializers import (
    CursorLinksSerializer,
    CursorMetaSerializer,
    InstantField,
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
)
from common.money import LARGEST_AMOUNT
from payments.constants import (
    NOTE_LENGTH,
    OFFLINE_REFERENCE_LENGTH,
    RECEIPT_LENGTH,
    EventState,
    OfflineMethod,
    PaymentState,
    Provider,
    RefundReason,
    RefundState,
    Status,
)

PHONE = r"^[1-9][0-9]{8,14}$"
REQUESTED_PROVIDERS = [one.value for one in Provider if one != Provider.OFFLINE]


class IntentRequest(StrictSerializer):
    """POST /api/payments/create-intent."""

    booking = serializers.UUIDField()
    purpose = serializers.ChoiceField(
        choices=[Purpose.BALANCE.value], required=False, help_text="Without it: what is due at once."
    )
    provider = serializers.ChoiceField(choices=REQUESTED_PROVIDERS, required=False, default=Provider.STRIPE.value)
    amount = StrictIntegerField(
        min_value=1, max_value=LARGEST_AMOUNT, required=False, help_text="Only compared with what is due."
    )
    currency = serializers.RegexField(r"^[A-Za-z]{3}\Z", required=False, help_text="Only compared, in any case.")
    phone = serializers.RegexField(PHONE, required=False, help_text="For M-Pesa: 2547…")
    return_url = StrictCharField(max_length=2000, required=False, help_text="On FRONTEND_URL or PUBLIC_URL.")

    def validate_currency(self, value: str) -> str:
        """Upper case."""
        return value.upper()

    def validate_return_url(self, value: str) -> str:
        """An address on an origin of ours."""
        try:
            parts = urlsplit(value)
        except ValueError as fault:  # a bracket without its partner
            raise serializers.ValidationError("An address of this site is wanted.", code="foreign_origin") from fault
        if f"{parts.scheme}://{parts.netloc}" not in {settings.PUBLIC_URL, settings.FRONTEND_URL} - {""}:
            raise serializers.ValidationError("An address of this site is wanted.", code="foreign_origin")
        return value


class NextActionSerializer(serializers.Serializer[Any]):
    """What the customer's browser does next."""

    type = serializers.ChoiceField(choices=["confirm_card", "redirect", "approve_on_phone"])
    publishable_key = serializers.CharField(required=False)
    stripe_js_url = serializers.URLField(required=False)
    url = serializers.URLField(required=False)
    phone_masked = serializers.CharField(required=False)
    expires_at = InstantField(required=False)
    poll_after_seconds = serializers.IntegerField(required=False)


class LastErrorSerializer(serializers.Serializer[Any]):
    """Why the last try failed, in the provider's words."""

    code = serializers.CharField()
    message = serializers.CharField(allow_blank=True)


class _SharedSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    booking = serializers.UUIDField()
    provider = serializers.ChoiceField(choices=Provider.choices)
    status = serializers.ChoiceField(choices=Status.choices)
    amount = serializers.IntegerField(help_text="Minor units of the currency.")
    currency = serializers.CharField(help_text="ISO 4217, upper case.")
    next_action = NextActionSerializer(allow_null=True)
    expires_at = InstantField(allow_null=True, help_text="When the hold ends; null without a hold.")
    livemode = serializers.BooleanField()
    last_error = LastErrorSerializer(required=False)


class IntentSerializer(_SharedSerializer):
    """A payment that was just begun, or is under way."""

    client_secret = serializers.CharField(required=False)


class PaymentSerializer(_SharedSerializer):
    """A payment."""

    purpose = serializers.ChoiceField(choices=Purpose.choices)
    payment_state = serializers.ChoiceField(choices=PaymentState.choices)
    amount_refunded = serializers.IntegerField()


class PaymentListSerializer(serializers.Serializer[Any]):
    """A cursor list of payments."""

    data = PaymentSerializer(many=True)  # type: ignore[assignment]  # the member is named like DRF's property
    meta = CursorMetaSerializer()
    links = CursorLinksSerializer()


class RefundRequest(StrictSerializer):
    """POST /api/payments/{id}/refunds."""

    amount = StrictIntegerField(
        min_value=1, max_value=LARGEST_AMOUNT, required=False, help_text="Without it: all that can be paid back."
    )
    reason = serializers.ChoiceField(choices=RefundReason.choices)
    note = StrictCharField(max_length=NOTE_LENGTH, required=False, allow_blank=True, help_text="For staff only.")
    receipt = StrictCharField(
        max_length=RECEIPT_LENGTH, required=False, help_text="Only, and always, of a refund that was made by hand."
    )


class RefundSerializer(serializers.Serializer[Any]):
    """Money that goes back."""

    id = serializers.UUIDField()
    payment = serializers.UUIDField()
    state = serializers.ChoiceField(choices=RefundState.choices)
    amount = serializers.IntegerField(help_text="Minor units of the currency.")
    currency = serializers.CharField(help_text="ISO 4217, upper case.")
    reason = serializers.ChoiceField(choices=RefundReason.choices, allow_blank=True)
    created_at = InstantField()


class RefundListSerializer(serializers.Serializer[Any]):
    """A cursor list of refunds."""

    data = RefundSerializer(many=True)  # type: ignore[assignment]  # the member is named like DRF's property
    meta = CursorMetaSerializer()
    links = CursorLinksSerializer()


class PaymentEventSerializer(serializers.Serializer[Any]):
    """What a provider told us about a payment."""

    id = serializers.UUIDField()
    event_id = serializers.CharField(help_text="The provider's own id.")
    type = serializers.CharField()
    object_id = serializers.CharField(allow_blank=True)
    api_version = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(choices=EventState.choices)
    outcome = serializers.CharField(allow_blank=True)
    received_at = InstantField()


class PaymentEventListSerializer(serializers.Serializer[Any]):
    """A cursor list of events."""

    data = PaymentEventSerializer(many=True)  # type: ignore[assignment]  # the member is named like DRF's property
    meta = CursorMetaSerializer()
    links = CursorLinksSerializer()


class OfflineRequest(StrictSerializer):
    """POST /api/payments/offline."""

    booking = serializers.UUIDField()
    amount = StrictIntegerField(min_value=1, max_value=LARGEST_AMOUNT, help_text="Minor units of the booking's price.")
    method = serializers.ChoiceField(choices=OfflineMethod.choices)
    reference = StrictCharField(
        max_length=OFFLINE_REFERENCE_LENGTH, help_text="Of the paper that proves it: a receipt, a transfer, a till."
    )
    received_at = InstantField(required=False, help_text="Without it: now.")


class PaymentsConfigSerializer(serializers.Serializer[Any]):
    """What a front end must know to take payments."""

    publishable_key = serializers.CharField(allow_blank=True)
    mode = serializers.ChoiceField(choices=["off", "twin", "test", "live"])
    providers = serializers.ListField(child=serializers.ChoiceField(choices=REQUESTED_PROVIDERS))
    currencies = serializers.ListField(child=serializers.CharField())
