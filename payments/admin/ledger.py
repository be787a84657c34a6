"""The ledger as staff read it."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from common.admin import ReadOnlyAdmin
from payments.admin.shown import money, table
from payments.models import LedgerTransaction


@admin.register(LedgerTransaction)
class LedgerTransactionAdmin(ReadOnlyAdmin):
    """Lists and shows; the database lets nobody change it."""

    list_display = ("occurred_at", "kind", "summary", "external_ref", "provider")
    list_filter = ("kind", "provider", "occurred_at")
    search_fields = ("=external_ref", "payment__booking__reference")
    search_help_text = _("The provider's id or a booking reference")
    ordering = ("-occurred_at", "-id")
    show_full_result_count = False
    list_per_page = 50
    fields = ("occurred_at", "kind", "provider", "external_ref", "payment", "entries_table")

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerTransaction]:
        """With the entries that each row shows."""
        return super().get_queryset(request).prefetch_related("entries__account").select_related("payment")

    @admin.display(description=_("amount"))
    def summary(self, posting: LedgerTransaction) -> str:
        """The debited side."""
        return ", ".join(money(entry.amount, entry.currency) for entry in posting.entries.all() if entry.amount > 0)

    @admin.display(description=_("entries"))
    def entries_table(self, posting: LedgerTransaction) -> SafeString | str:
        """All sides."""
        rows = [(entry.account.code, money(entry.amount, entry.currency)) for entry in posting.entries.all()]
        return table([_("Account"), _("Debit, or credit with a minus")], rows)
