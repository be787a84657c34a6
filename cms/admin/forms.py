"""Forms of drafts: they show the newest draft, and hand its values to the actions."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model

from cms import rights, snapshots
from cms.models import ContentItem, MediaAsset
from cms.parts import Key, Kind
from cms.parts_form import PartsFormField

CAPTION_MAX = 300
MEDIA_KEYS = (
    Key("media", "Picture", max_length=36, kind=Kind.CHOICE),
    Key("caption", "Caption", max_length=CAPTION_MAX, required=False),
)


def title_for_reader(row: Any) -> str:
    """What a choice is called: of content the newest title that the reader may see."""
    return str(getattr(row, "shown_title", row))


class RowsField(PartsFormField):
    """Other rows chosen in order; the choices are read anew for each form."""

    def __init__(self, model: type[Model], *keys: Key, label: str, help_text: str = "") -> None:
        self.model = model
        super().__init__(
            keys=keys or (Key("item", label, max_length=36, kind=Kind.CHOICE),), label=label, required=False
        )
        self.help_text = help_text

    def fill(self, reader: Any, *, keep: Iterable[Any], exclude: Any = None) -> None:
        """Read the choices from the table: those that the reader may see, and those that are chosen already."""
        if issubclass(self.model, ContentItem):
            rows = rights.offered(reader, self.model, keep=keep).exclude(pk=exclude)
        else:
            rows = self.model._default_manager.all()
        self.widget.choices = [(str(row.pk), title_for_reader(row)) for row in rows]

    def chosen(self, entries: Iterable[Mapping[str, Any]]) -> list[Any]:
        """Return what the action takes: keys, or mappings where there are texts too."""
        return [entry["item"] if len(self.keys) == 1 else dict(entry) for entry in entries]

    def shown(self, stored: Iterable[Any]) -> list[dict[str, Any]]:
        """Return what the widget takes, of what a snapshot holds."""
        return [{"item": one} if len(self.keys) == 1 else dict(one) for one in stored]


def gallery_field() -> RowsField:
    """Return the field of a project's pictures."""
    return RowsField(MediaAsset, *MEDIA_KEYS, label="Pictures", help_text="The first one is the cover.")


class DraftForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in the stubs
    """`ROWS` maps a field of this form to the ordered relation that it stands for; `reader` is who fills it in."""

    ROWS: ClassVar[Mapping[str, str]] = {}
    reader: ClassVar[Any] = AnonymousUser()

    read_version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = snapshots.newest(self.instance) if self.instance.lock_version else snapshots.blank(type(self.instance))
        self.initial["read_version"] = self.instance.lock_version
        for name in snapshots.relations(type(self.instance)):
            if name in self.fields:
                self.initial[name] = stored[name]
        for name, relation in self.ROWS.items():
            field = self.fields[name]
            assert isinstance(field, RowsField)  # noqa: S101 - declared so
            keep = snapshots.targets(type(self.instance), relation, stored[relation])
            own = self.instance.pk if field.model is type(self.instance) else None
            field.fill(self.reader, keep=keep, exclude=own)
            self.initial[name] = field.shown(stored[relation])
        for name, choice in self.fields.items():
            if isinstance(choice, forms.ModelChoiceField):
                self._offer(choice, stored[name])

    def _offer(self, field: Any, chosen: Any) -> None:
        """Let a choice among other content name only what the reader may know of."""
        if issubclass(field.queryset.model, ContentItem):
            keep = chosen if isinstance(chosen, list) else [chosen] if chosen else []
            field.label_from_instance = title_for_reader
            field.queryset = rights.offered(self.reader, field.queryset.model, keep=keep)

    def field_of(self, key: str) -> str:
        """The name of the field that stands for a key of the snapshot."""
        return next((name for name, relation in self.ROWS.items() if relation == key), key)

    def validate_unique(self) -> None:
        """Leave it to the action: the row's columns are live, the form's values are not."""

    def validate_constraints(self) -> None:
        """Leave it to the action, for the same reason."""

    def draft_values(self) -> dict[str, Any]:
        """Return the values under the names that `drafts.save` takes."""
        known = {field.name for field in snapshots.columns(type(self.instance))}
        known |= set(snapshots.relations(type(self.instance)))
        values = {name: value for name, value in self.cleaned_data.items() if name in known}
        for name, relation in self.ROWS.items():
            field = self.fields[name]
            assert isinstance(field, RowsField)  # noqa: S101 - declared so
            values[relation] = field.chosen(self.cleaned_data[name])
        return values
