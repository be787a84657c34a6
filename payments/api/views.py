"""Thin views: parse, one action or selector, answer."""

from uuid import UUID

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.selectors import booking_for
from common import limits
from common.actor import Actor, ActorKind, actor_of
from common.api.body import parse
from common.api.permissions import grant_or_staff
from common.api.schema import operation
from common.api.views import ApiView
from common.errors import FieldError, NotFound, RateLimited, ValidationFailed
from common.grants import grant_or_user
from common.pagination import cursor_list
from common.parameters import refuse_unknown, single
from idempotency.actions import Outcome, run_once
from idempotency.errors import IdempotencyKeyReused, InvalidIdempotencyKey, RequestInProgress
from payments import errors, selectors
from payments.actions import cancelling, capturing, intents, looks
from payments.api.serializers import (
    IntentRequest,
    IntentSerializer,
    PaymentListSerializer,
    PaymentsConfigSerializer,
    PaymentSerializer,
)
from payments.bodies import intent_body, payment_body
from payments.models import Payment

TAGS = ["Payments"]
ID = OpenApiParameter("payment_id", OpenApiTypes.UUID, OpenApiParameter.PATH)
LIST_PARAMETERS = [
    OpenApiParameter("booking", OpenApiTypes.UUID, required=True),
    OpenApiParameter("cursor", OpenApiTypes.STR),
    OpenApiParameter("per_page", OpenApiTypes.INT),
]
INTENT_ERRORS = [
    NotFound, RateLimited, errors.AlreadyPaid, errors.AmountMismatch, errors.BookingNotPayable, errors.NothingToPay,
    errors.AmountTooSmall, errors.AmountTooLarge, errors.AmountNotRepresentable, errors.CurrencyNotSupported,
    errors.PaymentInProgress, errors.ProviderRejected, errors.ProviderUnavailable, errors.PaymentsNotConfigured,
    IdempotencyKeyReused, InvalidIdempotencyKey, RequestInProgress,
]  # fmt: skip


class PaymentsConfigView(ApiView):
    """What a front end must know."""

    @operation("getPaymentsConfig", responses={200: PaymentsConfigSerializer}, tags=TAGS)
    def get(self, request: Request) -> Response:
        """The mode, the providers that are set up, and Stripe's publishable key."""
        return Response(
            {
                "publishable_key": settings.STRIPE_PUBLISHABLE_KEY,
                "mode": settings.PAYMENTS_MODE,
                "providers": selectors.providers(),
                "currencies": selectors.currencies(),
            }
        )


class CreateIntentView(ApiView):
    """Begin to pay."""

    permission_classes = [grant_or_staff("payments.add_payment")]

    @operation(
        "createIntent", request=IntentRequest, responses={200: IntentSerializer, 201: IntentSerializer},
        errors=INTENT_ERRORS, auth="token", tags=TAGS,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """The live payment for what is due: 201 when it was begun now, 200 when it was there."""
        return run_once(
            request,
            route="createIntent",
            required=False,
            perform=lambda: _begin(request),
            render=lambda payment_id: intent_body(selectors.payment_by_id(payment_id)),
        )


class PaymentsView(ApiView):
    """The payments of a booking."""

    permission_classes = [grant_or_staff("payments.view_payment")]

    @operation(
        "listPayments", responses={200: PaymentListSerializer}, errors=[NotFound, RateLimited],
        parameters=LIST_PARAMETERS, auth="token", tags=TAGS,
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Newest first."""
        refuse_unknown(request, ["booking", "cursor", "per_page"])
        booking = booking_for(booking_id=_booking_parameter(request), grant_or_user=grant_or_user(request))
        limits.hit("PAYMENT", key=str(booking.pk))
        return cursor_list(
            request,
            selectors.payments_of(booking.pk),
            name="payments",
            instant="created_at",
            filters={"booking": str(booking.pk)},
            serialize=lambda rows: [payment_body(row) for row in rows],
        )


class PaymentView(ApiView):
    """One payment."""

    permission_classes = [grant_or_staff("payments.view_payment")]

    @operation(
        "getPayment", responses={200: PaymentSerializer}, errors=[NotFound, RateLimited], parameters=[ID],
        auth="token", tags=TAGS,
    )  # fmt: skip
    def get(self, request: Request, payment_id: UUID) -> Response:
        """As the database knows it; an open one that was not looked at lately is looked up behind your back."""
        payment = _mine(request, payment_id)
        looks.refresh_if_stale(payment=payment, by=_actor(request, payment.booking_id))
        return Response(payment_body(payment))


class CancelPaymentView(ApiView):
    """Give a payment up."""

    permission_classes = [grant_or_staff("payments.change_payment")]

    @operation(
        "cancelPayment", responses={200: PaymentSerializer}, parameters=[ID], auth="token", tags=TAGS,
        errors=[
            NotFound, RateLimited, errors.NotCancelable, errors.ProviderUnavailable, errors.PaymentsNotConfigured,
        ],
    )  # fmt: skip
    def post(self, request: Request, payment_id: UUID) -> Response:
        """Cancel it at the provider too; again: the same answer."""
        payment = _mine(request, payment_id)
        done = cancelling.cancel(payment_id=payment.pk, by=_actor(request, payment.booking_id))
        return Response(payment_body(done))


class CapturePaymentView(ApiView):
    """Take what was approved."""

    permission_classes = [grant_or_staff("payments.change_payment")]

    @operation(
        "capturePayment", responses={200: PaymentSerializer}, parameters=[ID], auth="token", tags=TAGS,
        errors=[NotFound, RateLimited, errors.ProviderUnavailable, errors.PaymentsNotConfigured],
    )  # fmt: skip
    def post(self, request: Request, payment_id: UUID) -> Response:
        """For the return from a provider's page: takes what is authorized, and answers how the payment stands."""
        payment = _mine(request, payment_id)
        done = capturing.capture(payment_id=payment.pk, by=_actor(request, payment.booking_id))
        return Response(payment_body(done))


def _begin(request: Request) -> Outcome:
    values = parse(request, IntentRequest)
    booking = booking_for(booking_id=values["booking"], grant_or_user=grant_or_user(request))
    limits.hit("PAYMENT", key=str(booking.pk))
    wish = intents.Wish(
        booking_id=booking.pk,
        purpose=values.get("purpose", ""),
        provider=values["provider"],
        amount=values.get("amount"),
        currency=values.get("currency", ""),
    )
    begun = intents.create(wish=wish, by=_actor(request, booking.pk))
    return Outcome(201 if begun.created else 200, str(begun.payment.pk), intent_body(begun.payment))


def _mine(request: Request, payment_id: UUID) -> Payment:
    payment = selectors.payment_for(payment_id=payment_id, grant_or_user=grant_or_user(request))
    limits.hit("PAYMENT", key=str(payment.booking_id))
    return payment


def _booking_parameter(request: Request) -> str:
    found = single(request, "booking")
    if not found:
        raise ValidationFailed(errors=[FieldError("required", "The id of a booking is wanted.", parameter="booking")])
    return found


def _actor(request: Request, booking_id: UUID) -> Actor:
    by = actor_of(request)
    return Actor.customer(id=booking_id) if by.kind == ActorKind.CUSTOMER else by
