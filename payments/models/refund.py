"""Money that goes back."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.ids import uuid7
from payments.constants import NOTE_LENGTH, REF_LENGTH, RefundOrigin, RefundReason, RefundState


class Refund(models.Model):
    """One refund of one payment, in the payment's minor units; `requested_by` is `kind:id` of the actor.

    `provider_ref` of one that was made by hand is the number of its receipt; until then it waits as `requested`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment = models.ForeignKey(
        "payments.Payment", on_delete=models.PROTECT, related_name="refunds", verbose_name=_("payment")
    )
    provider = models.CharField(_("provider"), max_length=10)
    amount = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    reason = models.CharField(_("reason"), max_length=25, choices=RefundReason.choices, blank=True, default="")
    note = models.CharField(_("note"), max_length=NOTE_LENGTH, blank=True, default="")
    requested_by = models.CharField(_("requested by"), max_length=120)
    state = models.CharField(_("state"), max_length=20, choices=RefundState.choices, default=RefundState.REQUESTED)
    provider_ref = models.CharField(_("provider's id"), max_length=REF_LENGTH, null=True)
    idempotency_key = models.CharField(_("key"), max_length=REF_LENGTH, unique=True)
    origin = models.CharField(_("origin"), max_length=10, choices=RefundOrigin.choices)
    failure_reason = models.CharField(_("why it failed"), max_length=NOTE_LENGTH, blank=True, default="")
    created_at = models.DateTimeField(_("created"), editable=False)
    updated_at = models.DateTimeField(_("changed"), editable=False)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering = ["-created_at", "-id"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="payments_refunds_newest"),
            models.Index(fields=["payment", "-created_at", "-id"], name="payments_refunds_by_payment"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "provider_ref"],
                condition=Q(provider_ref__isnull=False),
                name="payments_refund_ref_once",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payments_refund_positive"),
            models.CheckConstraint(
                condition=Q(reason="") | Q(reason__in=RefundReason.values), name="payments_refund_reason_known"
            ),
            models.CheckConstraint(
                condition=~Q(origin=RefundOrigin.MANUAL, state=RefundState.SUCCEEDED) | Q(provider_ref__isnull=False),
                name="payments_refund_has_receipt",
            ),
            models.CheckConstraint(condition=Q(state__in=RefundState.values), name="payments_refund_state_known"),
            models.CheckConstraint(condition=Q(origin__in=RefundOrigin.values), name="payments_refund_origin_known"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="payments_refund_currency_code"),
        ]

    def __str__(self) -> str:
        return f"{self.provider_ref or self.id}"
