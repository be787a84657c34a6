"""What we asked a provider, written down before it is asked."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.ids import uuid7
from payments.constants import REF_LENGTH, CallState, Operation


class ProviderCall(models.Model):
    """One call that changes something at a provider; its key makes a repetition harmless."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment = models.ForeignKey(
        "payments.Payment", on_delete=models.PROTECT, null=True, related_name="calls", verbose_name=_("payment")
    )
    refund = models.ForeignKey(
        "payments.Refund", on_delete=models.PROTECT, null=True, related_name="calls", verbose_name=_("refund")
    )
    operation = models.CharField(_("operation"), max_length=10, choices=Operation.choices)
    seq = models.PositiveIntegerField(_("number"))
    idempotency_key = models.CharField(_("key"), max_length=REF_LENGTH, unique=True)
    request_hash = models.BinaryField(max_length=32)
    state = models.CharField(_("state"), max_length=10, choices=CallState.choices, default=CallState.PLANNED)
    http_status = models.PositiveSmallIntegerField(_("HTTP status"), null=True)
    request_id = models.CharField(_("provider's request"), max_length=REF_LENGTH, blank=True, default="")
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("provider call")
        verbose_name_plural = _("provider calls")
        ordering = ["started_at", "id"]
        default_permissions = ("view",)
        indexes = [
            models.Index(
                fields=["started_at"],
                condition=Q(state__in=(CallState.PLANNED, CallState.SENT, CallState.UNKNOWN)),
                name="payments_calls_open",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(payment__isnull=False, refund__isnull=True) | Q(payment__isnull=True, refund__isnull=False),
                name="payments_call_has_one_subject",
            ),
            models.CheckConstraint(condition=Q(state__in=CallState.values), name="payments_call_state_known"),
            models.CheckConstraint(condition=Q(operation__in=Operation.values), name="payments_call_operation_known"),
            models.CheckConstraint(
                condition=Q(state__in=(CallState.DONE, CallState.FAILED), finished_at__isnull=False)
                | Q(state__in=(CallState.PLANNED, CallState.SENT, CallState.UNKNOWN), finished_at__isnull=True),
                name="payments_call_finished_paired",
            ),
        ]

    def __str__(self) -> str:
        return self.idempotency_key
