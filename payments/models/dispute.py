"""Money that a customer takes back through their bank."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.ids import uuid7
from payments.constants import CLOSED_DISPUTES, REF_LENGTH, DisputeFunds, DisputeStatus


class Dispute(models.Model):
    """One dispute of one payment, or an inquiry that may become one; amounts in minor units of `currency`.

    `funds` says whether the provider holds the money now: taken when a real dispute opens, given back when it is won.
    `opened_at` is the provider's time. `deadline_told_at` is when people were reminded of `evidence_due_by`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment = models.ForeignKey(
        "payments.Payment", on_delete=models.PROTECT, related_name="disputes", verbose_name=_("payment")
    )
    provider = models.CharField(_("provider"), max_length=10)
    provider_ref = models.CharField(_("provider's id"), max_length=REF_LENGTH)
    amount = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    status = models.CharField(_("state"), max_length=25, choices=DisputeStatus.choices)
    reason = models.CharField(_("reason"), max_length=60, blank=True, default="")
    funds = models.CharField(_("money"), max_length=10, choices=DisputeFunds.choices, default=DisputeFunds.NONE)
    evidence_due_by = models.DateTimeField(_("evidence due by"), null=True)
    opened_at = models.DateTimeField(_("opened"))
    closed_at = models.DateTimeField(_("closed"), null=True)
    deadline_told_at = models.DateTimeField(_("reminded"), null=True)
    created_at = models.DateTimeField(_("recorded"), editable=False)
    updated_at = models.DateTimeField(_("changed"), editable=False)

    class Meta:
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        ordering = ["-opened_at", "-id"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["-opened_at", "-id"], name="payments_disputes_newest"),
            models.Index(
                fields=["evidence_due_by"],
                condition=Q(closed_at__isnull=True, deadline_told_at__isnull=True),
                name="payments_disputes_to_remind",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["provider", "provider_ref"], name="payments_dispute_ref_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payments_dispute_positive"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="payments_dispute_currency_code"),
            models.CheckConstraint(condition=Q(status__in=DisputeStatus.values), name="payments_dispute_status_known"),
            models.CheckConstraint(condition=Q(funds__in=DisputeFunds.values), name="payments_dispute_funds_known"),
            models.CheckConstraint(
                condition=Q(status__in=CLOSED_DISPUTES, closed_at__isnull=False)
                | (~Q(status__in=CLOSED_DISPUTES) & Q(closed_at__isnull=True)),
                name="payments_dispute_end_paired",
            ),
        ]

    def __str__(self) -> str:
        return self.provider_ref
