"""Model fields that clean what they store, whichever way it came."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.forms import Field as FormField
from django.utils.text import capfirst
from django_prose_editor.fields import ProseEditorFormField

from cms import parts, sanitise
from cms.constants import RICH_TEXT_MAX
from cms.editor_form import LabelledEditor
from cms.parts import Key
from cms.parts_form import PartsFormField

if TYPE_CHECKING:
    _Text = models.TextField[str, str]
    _Json = models.JSONField[Any, Any]
else:
    _Text, _Json = models.TextField, models.JSONField


class RichTextField(_Text):
    """HTML of the editor's own vocabulary; everything else is removed on every way into the database.

    Forms and `full_clean()` go through `clean`, saved instances and `bulk_create` through `pre_save`, and
    `QuerySet.update` and `bulk_update` through `get_db_prep_save`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("blank", True)
        kwargs.setdefault("default", "")
        super().__init__(*args, **kwargs)
        self.validators = [*self.validators, MaxLengthValidator(RICH_TEXT_MAX)]

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        """Return the sanitised text, or raise Django's ValidationError when it is too long."""
        return super().clean(sanitise.html(value or ""), model_instance)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # noqa: FBT001 - Django's signature
        """Sanitise the instance's attribute too, so that what it shows is what is stored."""
        value = super().pre_save(model_instance, add)
        if isinstance(value, str):
            value = sanitise.html(value)
            setattr(model_instance, self.attname, value)
        return value

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        """Sanitise plain strings on the way to SQL; expressions are left to the database."""
        return super().get_db_prep_save(sanitise.html(value) if isinstance(value, str) else value, connection)

    def formfield(self, *_args: Any, **kwargs: Any) -> FormField:
        """Return the editor with exactly the extensions that the sanitiser allows."""
        options: dict[str, Any] = {
            "form_class": ProseEditorFormField,
            "config": {"extensions": sanitise.EXTENSIONS},
            "preset": "configurable",
        }
        field: FormField | None = super().formfield(**(options | kwargs | {"widget": LabelledEditor}))
        assert field is not None  # noqa: S101 - a text field always has a form field
        return field

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        """Migrations see a plain text column: the vocabulary is code, not schema."""
        name, _path, args, kwargs = super().deconstruct()
        kwargs.pop("validators", None)
        return name, "django.db.models.TextField", args, kwargs


class PartsField(_Json):
    """An ordered part: a JSON list of objects with fixed keys, checked whenever a form or an action cleans it."""

    def __init__(self, *args: Any, keys: Sequence[Key] = (), **kwargs: Any) -> None:
        self.keys = tuple(keys)
        kwargs.setdefault("default", list)
        kwargs.setdefault("blank", True)
        super().__init__(*args, **kwargs)

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        """Check every entry against the keys."""
        super().validate(value, model_instance)
        parts.check(value, self.keys)

    def formfield(self, *_args: Any, **kwargs: Any) -> FormField:
        """Return rows of inputs, one row an entry."""
        return PartsFormField(
            keys=self.keys,
            required=False,
            label=kwargs.get("label") or capfirst(self.verbose_name),
            help_text=kwargs.get("help_text", self.help_text),
        )

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        """Migrations see a plain JSON column: the keys are code, not schema."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs
