"""Double entry: what money did, never changed afterwards. Triggers hold both rules (migration 0002)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.ids import uuid7
from payments.constants import REF_LENGTH, Posting


class LedgerAccount(models.Model):
    """An account by its code, such as `clearing:stripe:KES`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(_("code"), max_length=60, unique=True)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        ordering = ["code"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.code


class LedgerTransaction(models.Model):
    """One thing that happened to money; `external_ref` makes it happen once (its meaning: `constants.Posting`)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider = models.CharField(_("provider"), max_length=10)
    kind = models.CharField(_("kind"), max_length=20, choices=Posting.choices)
    payment = models.ForeignKey(
        "payments.Payment", on_delete=models.PROTECT, null=True, related_name="postings", verbose_name=_("payment")
    )
    external_ref = models.CharField(_("provider's id"), max_length=REF_LENGTH)
    occurred_at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("ledger transaction")
        verbose_name_plural = _("ledger")
        ordering = ["-occurred_at", "-id"]
        default_permissions = ("view",)
        indexes = [models.Index(fields=["-occurred_at", "-id"], name="payments_ledger_newest")]
        constraints = [
            models.UniqueConstraint(fields=["provider", "kind", "external_ref"], name="payments_posted_once"),
            models.CheckConstraint(condition=Q(kind__in=Posting.values), name="payments_posting_known"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.external_ref}"


class LedgerEntry(models.Model):
    """One side of a transaction: a debit is positive, a credit negative, in minor units."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    transaction = models.ForeignKey(LedgerTransaction, on_delete=models.PROTECT, related_name="entries")
    account = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="entries")
    amount = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        ordering = ["-amount", "id"]
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(condition=~Q(amount=0), name="payments_entry_not_zero"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="payments_entry_currency_code"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.amount} {self.currency}"
