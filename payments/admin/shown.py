"""How money, payloads and tables are shown."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common import masking
from common.admin.shown import NOTHING
from common.clock import db_now
from common.money import format_money
from payments import selectors
from payments.models import Dispute

DASHBOARD = "https://dashboard.stripe.com"
HIDDEN = frozenset(
    {"client_secret", "billing_details", "shipping", "receipt_email", "email", "name", "phone", "fingerprint"}
)


def money(amount: int, currency: str) -> str:
    """An amount for people; a dash for none."""
    return format_money(amount, currency) if amount else NOTHING


def masked(payload: Any) -> Any:
    """A provider's payload without secrets and without what tells who paid."""
    return masking.masked(payload, hidden=HIDDEN)


def countdown(dispute: Dispute) -> str:
    """How long there is until the evidence is due; a dash where none is wanted."""
    due = dispute.evidence_due_by
    if due is None or dispute.closed_at is not None:
        return NOTHING
    left = due - db_now()
    if left.total_seconds() <= 0:
        return str(_("over since {date}")).format(date=date_format(localtime(due), "j M Y H:i"))
    days, hours = left.days, left.seconds // 3600
    shown = ngettext("{n} day", "{n} days", days).format(n=days) if days else ngettext("{n} hour", "{n} hours", hours)
    return f"{shown.format(n=hours)} ({date_format(localtime(due), 'j M Y H:i')})"


def provider_link(ref: str, path: str, *, livemode: bool) -> SafeString | str:
    """The provider's id, in live and test mode with a link to its dashboard."""
    if not ref or selectors.mode() not in {"live", "test"}:
        return ref or NOTHING
    url = f"{DASHBOARD}{'' if livemode else '/test'}/{path}/{ref}"
    return format_html('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>', url, ref)


def table(head: Sequence[Any], rows: Iterable[Sequence[Any]]) -> SafeString | str:
    """A plain table; a dash for no rows."""
    body = format_html_join(
        "", "<tr>{}</tr>", ((format_html_join("", "<td>{}</td>", ((cell,) for cell in row)),) for row in rows)
    )
    if not body:
        return NOTHING
    titles = format_html_join("", "<th scope=col>{}</th>", ((title,) for title in head))
    return format_html("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", titles, body)
