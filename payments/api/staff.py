"""What only staff do and read: refunds, money taken by hand, the provider's events."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import reauthentication
from accounts.errors import ReauthRequired
from bookings.selectors import booking_for
from common.actor import actor_of
from common.api.body import parse
from common.api.permissions import staff
from common.api.schema import operation
from common.api.views import ApiView
from common.clock import db_now
from common.errors import NotFound
from common.grants import grant_or_user
from common.pagination import cursor_list
from common.parameters import refuse_unknown
from idempotency.actions import Outcome, run_once
from idempotency.errors import (
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
    InvalidIdempotencyKey,
    RequestInProgress,
)
from payments import errors, selectors
from payments.actions import offline, repayments
from payments.api.serializers import (
    OfflineRequest,
    PaymentEventListSerializer,
    PaymentSerializer,
    RefundListSerializer,
    RefundRequest,
    RefundSerializer,
)
from payments.api.views import ID, TAGS
from payments.bodies import event_body, payment_body, refund_body
from payments.models import Payment

CURSOR = [OpenApiParameter("cursor", OpenApiTypes.STR), OpenApiParameter("per_page", OpenApiTypes.INT)]
KEY_ERRORS = [IdempotencyKeyRequired, IdempotencyKeyReused, InvalidIdempotencyKey, RequestInProgress]


class RefundsView(ApiView):
    """The refunds of a payment."""

    def get_permissions(self) -> list[Any]:
        """Paying back is a permission of its own."""
        return [staff("payments.refund" if self.request.method == "POST" else "payments.view_refund")()]

    @operation(
        "listRefunds", responses={200: RefundListSerializer}, errors=[NotFound], parameters=[ID, *CURSOR],
        auth="staff", tags=TAGS,
    )  # fmt: skip
    def get(self, request: Request, payment_id: UUID) -> Response:
        """Newest first."""
        refuse_unknown(request, ["cursor", "per_page"])
        payment = _payment(request, payment_id)
        return cursor_list(
            request,
            selectors.refunds_of(payment.pk),
            name="refunds",
            instant="created_at",
            filters={"payment": str(payment.pk)},
            serialize=lambda rows: [refund_body(row) for row in rows],
        )

    @operation(
        "createRefund", request=RefundRequest, responses={201: RefundSerializer}, parameters=[ID], auth="staff",
        tags=TAGS,
        errors=[
            NotFound, ReauthRequired, errors.NotCaptured, errors.DisputeOpen, errors.ExceedsRefundable,
            errors.AmountNotRepresentable, errors.PaymentsNotConfigured, *KEY_ERRORS,
        ],
    )  # fmt: skip
    def post(self, request: Request, payment_id: UUID) -> Response:
        """Pay back, or record what was paid back by hand; asks for a password that was given in the last minutes.

        A refund whose provider does not answer is `requested`: it goes on by itself, with the same key.
        """
        payment = _payment(request, payment_id)
        credential: Any = request.auth
        reauthentication.demand(session=credential.session, now=db_now())
        return run_once(
            request,
            route="createRefund",
            required=True,
            perform=lambda: _refund(request, payment),
            render=lambda refund_id: refund_body(selectors.refund_by_id(refund_id)),
        )


class PaymentEventsView(ApiView):
    """What the provider told us about a payment."""

    permission_classes = [staff("payments.view_paymentevent")]

    @operation(
        "listPaymentEvents", responses={200: PaymentEventListSerializer}, errors=[NotFound], parameters=[ID, *CURSOR],
        auth="staff", tags=TAGS,
    )  # fmt: skip
    def get(self, request: Request, payment_id: UUID) -> Response:
        """Newest first; the payloads are in the admin."""
        refuse_unknown(request, ["cursor", "per_page"])
        payment = _payment(request, payment_id)
        return cursor_list(
            request,
            selectors.events_of(payment.pk),
            name="payment_events",
            instant="received_at",
            filters={"payment": str(payment.pk)},
            serialize=lambda rows: [event_body(row) for row in rows],
        )


class OfflinePaymentView(ApiView):
    """Money that came by hand."""

    permission_classes = [staff("payments.record")]

    @operation(
        "recordOfflinePayment", request=OfflineRequest, responses={201: PaymentSerializer}, auth="staff", tags=TAGS,
        errors=[NotFound, errors.AmountMismatch, *KEY_ERRORS],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Record it: the booking is paid and confirmed as by any other payment."""
        return run_once(
            request,
            route="recordOfflinePayment",
            required=True,
            perform=lambda: _record(request),
            render=lambda payment_id: payment_body(selectors.payment_by_id(payment_id)),
            atomic=True,
        )


def _payment(request: Request, payment_id: UUID) -> Payment:
    return selectors.payment_for(payment_id=payment_id, grant_or_user=grant_or_user(request))


def _refund(request: Request, payment: Payment) -> Outcome:
    values = parse(request, RefundRequest)
    refund = repayments.create(wish=repayments.Wish(payment_id=payment.pk, **values), by=actor_of(request))
    return Outcome(201, str(refund.pk), refund_body(refund))


def _record(request: Request) -> Outcome:
    values = parse(request, OfflineRequest)
    booking = booking_for(booking_id=values.pop("booking"), grant_or_user=grant_or_user(request))
    received = offline.Received(booking_id=booking.pk, **values)
    payment = offline.record_payment(received=received, by=actor_of(request))
    return Outcome(201, str(payment.pk), payment_body(payment))
