"""A refusal of an action on the form that asked for it, with everything typed kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.forms import BaseForm
from django.utils.translation import gettext_lazy as _

from common.errors import DomainError, FieldError


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing was done: in one sentence, or field by field."""

    detail: Any
    errors: Sequence[FieldError] = ()

    @classmethod
    def of(cls, error: DomainError) -> "Refusal":
        """What an action raised."""
        return cls(error.detail, error.errors)


UNCONFIRMED = Refusal(_("Nothing was saved yet: first confirm that it is you, then press the button again."))


def add_to(form: BaseForm, refusal: Refusal) -> None:
    """Write the refusal into a form that was validated, each reason at its field where the form has it."""
    for fault in refusal.errors:
        name = fault.pointer.removeprefix("#/").split("/")[0]
        form.add_error(name if name in form.fields else NON_FIELD_ERRORS, fault.detail)
    if not refusal.errors:
        form.add_error(NON_FIELD_ERRORS, refusal.detail)


def refused_form(form: type[BaseForm], refusal: Refusal) -> type[BaseForm]:
    """A form class that is invalid for the refusal's reasons."""

    class RefusedForm(form):  # type: ignore[valid-type,misc]  # the base is known only at run time
        def _post_clean(self) -> None:
            super()._post_clean()
            add_to(self, refusal)

    RefusedForm.__name__ = form.__name__
    return RefusedForm
