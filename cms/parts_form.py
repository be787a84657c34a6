"""The form of an ordered part: plain rows of inputs that work without JavaScript."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from cms import parts
from cms.constants import PARTS_MAX
from cms.parts import Key, Kind
from common.weekdays import Weekday

SPARE_ROWS = 2


class PartsWidget(forms.Widget):
    """One row of inputs an entry, and spare rows at the end; a row left empty is not kept."""

    template_name = "cms/admin/parts.html"

    class Media:
        css = {"all": ("css/parts.css",)}

    def __init__(self, keys: Sequence[Key], choices: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__()
        self.keys = keys
        self.choices = choices

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Give the template the rows, each a list of (key, input's name, value)."""
        context = super().get_context(name, value, attrs)
        entries = [*(value or []), *({} for _ in range(SPARE_ROWS))]
        context["widget"]["rows"] = [
            [
                {
                    "key": key,
                    "kind": key.kind.value,
                    "name": f"{name}-{index}-{key.name}",
                    "value": entry.get(key.name, "") if isinstance(entry, Mapping) else "",
                }
                for key in self.keys
            ]
            for index, entry in enumerate(entries)
        ]
        context["widget"]["count_name"] = f"{name}-count"
        context["widget"]["count"] = len(entries)
        context["widget"]["days"] = Weekday.choices
        context["widget"]["choices"] = self.choices
        return context

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> list[dict[str, Any]]:
        """Read the rows back, without those that are wholly empty."""
        count = str(data.get(f"{name}-count", "0"))
        size = min(int(count), PARTS_MAX + SPARE_ROWS) if count.isdecimal() and len(count) < len("10000") else 0
        rows = [{key.name: data.get(f"{name}-{index}-{key.name}", "") for key in self.keys} for index in range(size)]
        return [row for row in rows if any(str(text).strip() for text in row.values())]

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        """Tell whether the form did not show this part at all."""
        return f"{name}-count" not in data


class PartsFormField(forms.Field):
    """Cleans the rows into the list of objects that the column holds."""

    def __init__(self, *, keys: Sequence[Key], choices: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        self.keys = keys
        super().__init__(widget=PartsWidget(keys, choices), **kwargs)

    def clean(self, value: Any) -> list[dict[str, Any]]:
        """Return the entries with texts stripped and days as numbers."""
        entries = [{key.name: _convert(key, row.get(key.name, "")) for key in self.keys} for row in value or []]
        parts.check(entries, self.keys)
        return entries

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare what was stored with what came back."""
        try:
            return (initial or []) != self.clean(data)
        except ValidationError:
            return True


def _convert(key: Key, raw: Any) -> Any:
    text = str(raw).strip().replace("\r\n", "\n")
    return int(text) if key.kind is Kind.WEEKDAY and text.isdecimal() and len(text) == 1 else text
