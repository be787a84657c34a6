"""What happened to a payment, as tables of its page: asked, told, paid back, disputed, posted, audited.

The page's payment has its refunds and disputes prefetched.
"""

from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from audit.selectors import events_about
from common.target import Target
from payments.admin.shown import money, table
from payments.models import LedgerEntry, Payment, ProviderCall

LONGEST = 200  # rows a table; the lists have the rest


def moment(value: datetime) -> str:
    """An instant in the studio's zone, to the second."""
    return date_format(localtime(value), "j M Y H:i:s")


def link(model: str, pk: Any, text: str) -> SafeString:
    """A link to a row of payments."""
    return format_html('<a href="{}">{}</a>', reverse(f"admin:payments_{model}_change", args=[pk]), text)


def calls(payment: Payment) -> SafeString | str:
    """What we asked, for the payment and its refunds, with its key."""
    found = ProviderCall.objects.filter(Q(payment=payment) | Q(refund__payment=payment)).order_by("started_at", "id")
    rows = [
        (moment(call.started_at), call.get_operation_display(), call.get_state_display(), call.http_status or "",
         call.request_id, call.idempotency_key)
        for call in found[:LONGEST]
    ]  # fmt: skip
    return table([_("When"), _("What"), _("State"), "HTTP", _("Request"), _("Key")], rows)


def events(payment: Payment) -> SafeString | str:
    """What the provider told us."""
    rows = [
        (moment(event.received_at), event.type, event.get_state_display(), event.outcome,
         link("paymentevent", event.pk, event.event_id))
        for event in payment.events.defer("payload")[:LONGEST]
    ]  # fmt: skip
    return table([_("When"), _("Type"), _("State"), _("Outcome"), _("Event")], rows)


def refunds(payment: Payment) -> SafeString | str:
    """What goes back."""
    rows = [
        (link("refund", one.pk, moment(one.created_at)), money(one.amount, one.currency), one.get_state_display(),
         one.get_origin_display(), one.provider_ref or "", one.failure_reason)
        for one in list(payment.refunds.all())[:LONGEST]
    ]  # fmt: skip
    return table([_("When"), _("Amount"), _("State"), _("Origin"), _("Provider's id"), _("Failure")], rows)


def disputes(payment: Payment) -> SafeString | str:
    """What the customer's bank holds, or asks about."""
    rows = [
        (link("dispute", one.pk, moment(one.opened_at)), money(one.amount, one.currency), one.get_status_display(),
         one.get_funds_display(),
         moment(one.evidence_due_by) if one.evidence_due_by else "", one.provider_ref)
        for one in list(payment.disputes.all())[:LONGEST]
    ]  # fmt: skip
    return table([_("When"), _("Amount"), _("State"), _("Money"), _("Evidence due"), _("Provider's id")], rows)


def ledger(payment: Payment) -> SafeString | str:
    """What was posted."""
    sides = Prefetch("entries", LedgerEntry.objects.select_related("account"))
    rows = [
        (moment(posting.occurred_at), posting.get_kind_display(), entry.account.code,
         money(entry.amount, entry.currency))
        for posting in payment.postings.prefetch_related(sides)[:LONGEST]
        for entry in posting.entries.all()
    ]  # fmt: skip
    return table([_("When"), _("What"), _("Account"), _("Debit, or credit with a minus")], rows)


def audit(payment: Payment) -> SafeString | str:
    """Who did what with the payment, its refunds and its disputes."""
    rows = [payment, *list(payment.refunds.all())[:LONGEST], *list(payment.disputes.all())[:LONGEST]]
    found = events_about([Target.of(row) for row in rows])[:LONGEST]
    return table(
        [_("When"), _("What"), _("Who")], [(moment(event.at), event.action, event.actor_label) for event in found]
    )  # fmt: skip
