"""A payment: one attempt to pay one purpose of a booking at one provider."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bookings.constants import Purpose
from common.ids import uuid7
from payments.constants import (
    ERROR_CODE_LENGTH,
    ERROR_TEXT_LENGTH,
    LIVE_STATUSES,
    OFFLINE_REFERENCE_LENGTH,
    OPEN_STATUSES,
    REF_LENGTH,
    DisputeState,
    OfflineMethod,
    Provider,
    ReviewReason,
    Status,
)

CURRENCY = r"^[A-Z]{3}$"


class Payment(models.Model):
    """Amounts are minor units of `currency` by its ISO exponent; `provider_amount` is in the provider's own units.

    `attempt` counts a booking's payments; `is_current` is cleared when a later attempt takes this one's place.
    `provider_version` is the highest `created` of the provider's events and answers that were applied.
    What no provider of ours moved (`offline`) has a `method`, a `reference` of the paper that proves it, and
    `received_at`. `review_paused` keeps the review reason while all of the money is on its way back.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    booking = models.ForeignKey(
        "bookings.Booking", on_delete=models.PROTECT, related_name="+", verbose_name=_("booking")
    )
    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose.choices)
    provider = models.CharField(_("paid by"), max_length=10, choices=Provider.choices)
    attempt = models.PositiveIntegerField(_("attempt"))
    livemode = models.BooleanField(_("live"))
    amount = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    is_current = models.BooleanField(_("current"), default=True)
    status = models.CharField(_("state"), max_length=25, choices=Status.choices, default=Status.CREATING)

    amount_captured = models.BigIntegerField(_("received"), default=0)
    provider_amount = models.BigIntegerField(_("amount at the provider"), default=0)
    provider_currency = models.CharField(_("currency at the provider"), max_length=3, blank=True, default="")
    amount_refunded = models.BigIntegerField(_("refunded"), default=0)
    amount_refund_pending = models.BigIntegerField(_("being refunded"), default=0)
    amount_disputed = models.BigIntegerField(_("disputed"), default=0)
    dispute_state = models.CharField(
        _("dispute"), max_length=10, choices=DisputeState.choices, blank=True, default=DisputeState.NONE
    )

    provider_ref = models.CharField(_("provider's id"), max_length=REF_LENGTH, null=True)
    provider_charge_ref = models.CharField(_("provider's charge"), max_length=REF_LENGTH, blank=True, default="")
    provider_status = models.CharField(_("provider's state"), max_length=40, blank=True, default="")
    provider_version = models.BigIntegerField(_("provider's version"), default=0)
    provider_synced_at = models.DateTimeField(_("last looked at"), null=True)
    client_secret = models.BinaryField(null=True)
    last_error_code = models.CharField(_("error"), max_length=ERROR_CODE_LENGTH, blank=True, default="")
    last_error_message = models.CharField(_("error's text"), max_length=ERROR_TEXT_LENGTH, blank=True, default="")
    review_reason = models.CharField(_("to be looked at"), max_length=25, choices=ReviewReason.choices, null=True)
    review_paused = models.CharField(max_length=25, choices=ReviewReason.choices, null=True, editable=False)

    method = models.CharField(
        _("by hand"), max_length=15, choices=OfflineMethod.choices, blank=True, default="", db_default=""
    )
    reference = models.CharField(
        _("reference"), max_length=OFFLINE_REFERENCE_LENGTH, blank=True, default="", db_default=""
    )
    received_at = models.DateTimeField(_("received on"), null=True)

    expires_at = models.DateTimeField(_("held until"), null=True)
    created_at = models.DateTimeField(_("created"), editable=False)
    updated_at = models.DateTimeField(_("changed"), editable=False)
    lock_version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ["-created_at", "-id"]
        default_permissions = ("add", "change", "view")
        permissions = [
            ("refund", "Can refund payments"),
            ("record", "Can record payments made by hand"),
            ("sync", "Can look a payment up at its provider"),
            ("reconcile", "Can start a reconciliation"),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="payments_newest"),
            models.Index(fields=["status", "-created_at", "-id"], name="payments_by_status"),
            models.Index(fields=["booking", "-created_at", "-id"], name="payments_by_booking"),
            models.Index(fields=["created_at"], condition=Q(status__in=OPEN_STATUSES), name="payments_open"),
            models.Index(
                fields=["provider", "provider_charge_ref"],
                condition=~Q(provider_charge_ref=""),
                name="payments_by_charge",
            ),
            models.Index(fields=["created_at"], condition=Q(review_reason__isnull=False), name="payments_to_review"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "livemode", "provider_ref"],
                condition=Q(provider_ref__isnull=False),
                name="payments_provider_ref_once",
            ),
            models.UniqueConstraint(fields=["booking", "attempt"], name="payments_attempt_once"),
            models.UniqueConstraint(
                fields=["booking", "purpose"],
                condition=Q(is_current=True, status__in=LIVE_STATUSES) & ~Q(provider=Provider.OFFLINE),
                name="payments_live_once",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payments_amount_positive"),
            models.CheckConstraint(
                condition=Q(
                    amount_captured__gte=0,
                    provider_amount__gte=0,
                    amount_refunded__gte=0,
                    amount_refund_pending__gte=0,
                    amount_disputed__gte=0,
                ),
                name="payments_amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(amount_captured__gte=F("amount_refunded") + F("amount_refund_pending")),
                name="payments_refunds_within_captured",
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=CURRENCY)
                & (Q(provider_currency="") | Q(provider_currency__regex=CURRENCY)),
                name="payments_currency_code",
            ),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="payments_status_known"),
            models.CheckConstraint(condition=Q(provider__in=Provider.values), name="payments_provider_known"),
            models.CheckConstraint(condition=Q(purpose__in=Purpose.values), name="payments_purpose_known"),
            models.CheckConstraint(condition=Q(dispute_state__in=DisputeState.values), name="payments_dispute_known"),
            models.CheckConstraint(
                condition=Q(review_reason__isnull=True) | Q(review_reason__in=ReviewReason.values),
                name="payments_review_known",
            ),
            models.CheckConstraint(
                condition=Q(provider=Provider.OFFLINE, method__in=OfflineMethod.values, received_at__isnull=False)
                & ~Q(reference="")
                | ~Q(provider=Provider.OFFLINE) & Q(method="", reference="", received_at__isnull=True),
                name="payments_offline_has_paper",
            ),
            models.CheckConstraint(
                condition=Q(client_secret__isnull=True) | Q(status__in=OPEN_STATUSES),
                name="payments_closed_forgets_secret",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} {self.attempt} · {self.id}"
