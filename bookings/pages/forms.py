"""The details form, judged by the same rules as the API."""

import uuid

from django import forms
from django.utils.translation import gettext_lazy as _

from bookings.actions.creation import Customer, Order
from bookings.constants import NAME_LENGTH, NOTES_LENGTH
from bookings.validators import phone_number, validate_one_line, validate_text

_PAGE_LENGTH = 500
CAMPAIGN_KEYS = ("utm_source", "utm_medium", "utm_campaign")


class DetailsForm(forms.Form):
    """Who books, and what we should know. `website` is a trap: people never see it."""

    name = forms.CharField(
        label=_("Your name"), max_length=NAME_LENGTH, validators=[validate_one_line],
        error_messages={"required": _("Please tell us your name.")},
    )  # fmt: skip
    email = forms.EmailField(
        label=_("E-mail"), max_length=254,
        error_messages={
            "required": _("We need your e-mail address to send you the confirmation."),
            "invalid": _("This does not look like an e-mail address, such as name@example.com."),
        },
    )  # fmt: skip
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False)
    notes = forms.CharField(
        label=_("What should we know?"), max_length=NOTES_LENGTH, required=False, validators=[validate_text]
    )
    consent = forms.BooleanField(error_messages={"required": _("Please tick the box; we cannot book without it.")})
    website = forms.CharField(required=False)
    key = forms.UUIDField()
    starts_at = forms.DateTimeField(required=False)
    zone = forms.CharField(required=False, max_length=64)

    def clean_phone(self) -> str:
        """E.164."""
        return phone_number(self.cleaned_data["phone"])

    def clean_zone(self) -> str:
        """Without NUL; the action judges the name."""
        return str(self.cleaned_data["zone"]).strip()

    def order(self, *, service: str, source_page: str, attribution: dict[str, str]) -> Order:
        """What the visitor asks for. The form must be valid."""
        values = self.cleaned_data
        return Order(
            service=service,
            starts_at=values["starts_at"],
            customer=Customer(name=values["name"], email=values["email"], phone=values["phone"]),
            notes=values["notes"],
            zone=values["zone"],
            source_page=source_page[:_PAGE_LENGTH],
            attribution=attribution,
            spam=bool(values["website"]),
        )


def fresh_key() -> str:
    """The key of one rendering of the form: sending it twice makes one booking."""
    return str(uuid.uuid4())
