"""Comparisons with the provider, and what they found."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.ids import uuid7
from payments.constants import NOTE_LENGTH, REF_LENGTH, DriftKind, Provider, Severity, Verdict


class ReconciliationRun(models.Model):
    """One comparison over a window of time; `counters` are the numbers of its report."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider = models.CharField(_("provider"), max_length=10, choices=Provider.choices)
    started_by = models.CharField(_("started by"), max_length=120)
    window_from = models.DateTimeField(_("from"))
    window_until = models.DateTimeField(_("until"))
    flags = models.JSONField(_("flags"), default=dict)
    counters = models.JSONField(_("counters"), default=dict)
    verdict = models.CharField(_("result"), max_length=12, choices=Verdict.choices, default=Verdict.RUNNING)
    exit_code = models.PositiveSmallIntegerField(_("exit code"), null=True)
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("reconciliation")
        verbose_name_plural = _("reconciliations")
        ordering = ["-started_at", "-id"]
        default_permissions = ("view",)
        indexes = [models.Index(fields=["-started_at", "-id"], name="payments_runs_newest")]
        constraints = [
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True, exit_code__isnull=True)
                | Q(finished_at__isnull=False, exit_code__isnull=False),
                name="payments_run_end_paired",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M} {self.verdict}"


class Drift(models.Model):
    """One difference; unresolved until it was repaired or staff say what became of it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(ReconciliationRun, on_delete=models.PROTECT, related_name="drifts", verbose_name=_("run"))
    kind = models.CharField(_("kind"), max_length=30, choices=DriftKind.choices)
    severity = models.CharField(_("severity"), max_length=10, choices=Severity.choices)
    provider = models.CharField(_("provider"), max_length=10)
    provider_ref = models.CharField(_("provider's id"), max_length=REF_LENGTH)
    payment = models.ForeignKey(
        "payments.Payment", on_delete=models.PROTECT, null=True, related_name="drifts", verbose_name=_("payment")
    )
    local = models.JSONField(_("here"), default=dict)
    remote = models.JSONField(_("at the provider"), default=dict)
    action = models.CharField(_("what was done"), max_length=40)
    resolved_by = models.CharField(_("resolved by"), max_length=120, blank=True, default="")
    resolved_at = models.DateTimeField(_("resolved"), null=True)
    note = models.CharField(_("note"), max_length=NOTE_LENGTH, blank=True, default="")
    created_at = models.DateTimeField(_("found"), editable=False)

    class Meta:
        verbose_name = _("difference")
        verbose_name_plural = _("differences")
        ordering = ["-created_at", "-id"]
        default_permissions = ("change", "view")
        indexes = [models.Index(fields=["-created_at", "-id"], name="payments_drift_newest")]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "kind", "provider_ref"],
                condition=Q(resolved_at__isnull=True),
                name="payments_drift_open_once",
            ),
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True, resolved_by="")
                | (Q(resolved_at__isnull=False) & ~Q(resolved_by="")),
                name="payments_drift_resolved_paired",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.provider_ref}"
