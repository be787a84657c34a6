"""A booking: who, what, when, for how much, and how far it got."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bookings.constants import (
    NAME_LENGTH,
    NOTES_LENGTH,
    OCCUPYING,
    PHONE_PATTERN,
    REASON_LENGTH,
    REFERENCE_LENGTH,
    ReviewReason,
    Status,
)
from common.ids import uuid7

_TIMED = Q(starts_at__isnull=False, ends_at__isnull=False, first_starts_at__isnull=False)
_UNTIMED = Q(starts_at__isnull=True, ends_at__isnull=True, first_starts_at__isnull=True)
_SEATED = Q(resource__isnull=False, seat__isnull=False, occupies__isnull=False)
_UNSEATED = Q(resource__isnull=True, seat__isnull=True, occupies__isnull=True)


class Booking(models.Model):
    """One customer's booking of one service.

    Price, deposit, currency, title, duration and `cancellation_hours` are what was agreed and never change with
    the service. Amounts are minor units. `refund_due_amount` is all that the customer shall get back in the end,
    what was refunded before included, so that cancelling again answers the same.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    reference = models.CharField(_("reference"), max_length=REFERENCE_LENGTH, unique=True, editable=False)
    service = models.ForeignKey("cms.Service", on_delete=models.PROTECT, related_name="+", verbose_name=_("service"))
    service_title = models.CharField(_("title of the service"), max_length=255)
    price_amount = models.PositiveBigIntegerField(_("price"))
    deposit_amount = models.PositiveBigIntegerField(_("deposit"))
    currency = models.CharField(_("currency"), max_length=3)
    duration_minutes = models.PositiveSmallIntegerField(_("duration in minutes"))
    cancellation_hours = models.PositiveSmallIntegerField(_("free cancellation until, in hours before"))

    customer_name = models.CharField(_("name"), max_length=NAME_LENGTH)
    customer_email = models.EmailField(_("e-mail"), max_length=254)
    customer_phone = models.CharField(_("phone"), max_length=16, blank=True, default="")
    notes = models.TextField(_("notes"), max_length=NOTES_LENGTH, blank=True, default="")
    consent_version = models.CharField(max_length=20)

    starts_at = models.DateTimeField(_("starts"), null=True)
    ends_at = models.DateTimeField(_("ends"), null=True)
    first_starts_at = models.DateTimeField(_("earliest start ever"), null=True)
    zone = models.CharField(_("time zone shown"), max_length=64)
    resource = models.ForeignKey(
        "bookings.BookingResource", on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("resource")
    )
    seat = models.PositiveSmallIntegerField(_("seat"), null=True)
    occupies = DateTimeRangeField(_("occupies"), null=True)

    status = models.CharField(_("status"), max_length=10, choices=Status.choices)
    hold_expires_at = models.DateTimeField(_("held until"), null=True)
    hold_extended = models.BooleanField(default=False)
    token_version = models.PositiveIntegerField(default=1)
    sequence = models.PositiveIntegerField(default=0)

    paid_amount = models.PositiveBigIntegerField(_("paid"), default=0)
    refunded_amount = models.PositiveBigIntegerField(_("refunded"), default=0)
    refund_due_amount = models.PositiveBigIntegerField(_("to be refunded"), default=0)

    review_reason = models.CharField(
        _("to be looked at"), max_length=12, choices=ReviewReason.choices, blank=True, default=""
    )

    source_page = models.CharField(_("page that it came from"), max_length=500, blank=True, default="")
    attribution = models.JSONField(_("campaign"), default=dict, blank=True)
    spam = models.BooleanField(_("spam"), default=False)

    cancelled_at = models.DateTimeField(_("cancelled"), null=True)
    cancelled_by = models.CharField(_("cancelled by"), max_length=80, blank=True, default="")
    cancel_reason = models.CharField(_("reason"), max_length=REASON_LENGTH, blank=True, default="")

    created_at = models.DateTimeField(_("created"), editable=False)
    updated_at = models.DateTimeField(_("changed"), editable=False)
    lock_version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("booking")
        verbose_name_plural = _("bookings")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="bookings_newest"),
            models.Index(fields=["status", "-created_at", "-id"], name="bookings_by_status"),
            models.Index(fields=["service", "-created_at", "-id"], name="bookings_by_service"),
            models.Index(fields=["starts_at"], name="bookings_by_start"),
            models.Index(fields=["customer_email"], name="bookings_by_email"),
            models.Index(fields=["hold_expires_at"], condition=Q(status=Status.HELD), name="bookings_held_until"),
            models.Index(fields=["created_at"], condition=~Q(review_reason=""), name="bookings_to_review"),
        ]
        constraints = [
            ExclusionConstraint(
                name="bookings_seat_once",
                expressions=[
                    ("resource", RangeOperators.EQUAL),
                    ("seat", RangeOperators.EQUAL),
                    ("occupies", RangeOperators.OVERLAPS),
                ],
                condition=Q(status__in=OCCUPYING),
            ),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="bookings_status_known"),
            models.CheckConstraint(condition=_TIMED | _UNTIMED, name="bookings_times_paired"),
            models.CheckConstraint(condition=_SEATED | _UNSEATED, name="bookings_seat_paired"),
            models.CheckConstraint(condition=_TIMED | _UNSEATED, name="bookings_seat_has_time"),
            models.CheckConstraint(
                condition=~Q(status__in=OCCUPYING) | _UNTIMED | _SEATED, name="bookings_active_time_has_seat"
            ),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True) | Q(ends_at__gt=F("starts_at")), name="bookings_period"
            ),
            models.CheckConstraint(
                condition=Q(first_starts_at__isnull=True) | Q(first_starts_at__lte=F("starts_at")),
                name="bookings_first_start_earliest",
            ),
            models.CheckConstraint(condition=Q(seat__isnull=True) | Q(seat__gte=1), name="bookings_seat_positive"),
            models.CheckConstraint(
                condition=~Q(status=Status.HELD) | Q(hold_expires_at__isnull=False, starts_at__isnull=False),
                name="bookings_held_has_end",
            ),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="bookings_currency_code"),
            models.CheckConstraint(
                condition=Q(deposit_amount__lte=F("price_amount")), name="bookings_deposit_within_price"
            ),
            models.CheckConstraint(
                condition=Q(refunded_amount__lte=F("paid_amount")), name="bookings_refunded_within_paid"
            ),
            models.CheckConstraint(
                condition=Q(refund_due_amount__lte=F("paid_amount")), name="bookings_refund_due_within_paid"
            ),
            models.CheckConstraint(
                condition=Q(customer_phone="") | Q(customer_phone__regex=PHONE_PATTERN), name="bookings_phone_e164"
            ),
            models.CheckConstraint(
                condition=Q(status=Status.CANCELLED, cancelled_at__isnull=False) & ~Q(cancelled_by="")
                | ~Q(status=Status.CANCELLED) & Q(cancelled_at__isnull=True, cancelled_by="", cancel_reason=""),
                name="bookings_cancelled_paired",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} · {self.service_title}"
