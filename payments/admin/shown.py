"""How money, JSON and tables are shown."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from common import masking
from common.admin.shown import NOTHING
from common.money import format_money

HIDDEN = frozenset(
    {"client_secret", "billing_details", "shipping", "receipt_email", "email", "name", "phone", "fingerprint"}
)


def money(amount: int, currency: str) -> str:
    """An amount for people; a dash for none."""
    return format_money(amount, currency) if amount else NOTHING


def as_json(value: Any) -> SafeString:
    """A value as indented JSON."""
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True))


def masked(payload: Any) -> Any:
    """A provider's payload without secrets and without what tells who paid."""
    return masking.masked(payload, hidden=HIDDEN)


def table(head: Sequence[Any], rows: Iterable[Sequence[Any]]) -> SafeString | str:
    """A plain table; a dash for no rows."""
    body = format_html_join(
        "", "<tr>{}</tr>", ((format_html_join("", "<td>{}</td>", ((cell,) for cell in row)),) for row in rows)
    )
    if not body:
        return NOTHING
    titles = format_html_join("", "<th scope=col>{}</th>", ((title,) for title in head))
    return format_html("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", titles, body)
