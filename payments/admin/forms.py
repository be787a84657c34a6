"""What the buttons of the money's pages ask first."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common import money
from common.ids import uuid7
from payments import selectors
from payments.constants import NOTE_LENGTH, RECEIPT_LENGTH, Provider, RefundReason
from payments.models import Payment


class RefundForm(forms.Form):
    """How much goes back, and why. `once` makes a double click one refund."""

    amount = forms.DecimalField(label=_("Amount"), min_value=Decimal("0.001"), max_value=money.LARGEST_AMOUNT)
    reason = forms.ChoiceField(label=_("Reason"), choices=RefundReason.choices)
    note = forms.CharField(
        label=_("Note for colleagues"), max_length=NOTE_LENGTH, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    receipt = forms.CharField(label=_("Number of the receipt"), max_length=RECEIPT_LENGTH)
    once = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, payment: Payment, data: Any = None) -> None:
        self.currency = selectors.received_currency(payment)
        left = money.in_units(selectors.refundable(payment), self.currency)
        super().__init__(
            data, initial={"amount": left, "once": uuid7(), "reason": RefundReason.REQUESTED_BY_CUSTOMER.value}
        )
        most = money.format_money(selectors.refundable(payment), self.currency)
        whose = {"most": most, "name": payment.booking.customer_name, "booking": payment.booking.reference}
        self.fields["amount"].help_text = _("At most {most}; it goes to {name}, booking {booking}.").format(**whose)
        if payment.provider != Provider.OFFLINE:
            del self.fields["receipt"]

    def clean_amount(self) -> int:
        """The amount in minor units, which must be whole."""
        minor = money.in_minor_units(self.cleaned_data["amount"], self.currency)
        if minor != minor.to_integral_value():
            raise forms.ValidationError(_("The currency has no such small part."))
        return int(minor)


class ReceiptForm(forms.Form):
    """The proof of a refund that was made by hand."""

    receipt = forms.CharField(label=_("Number of the receipt"), max_length=RECEIPT_LENGTH)


class ResolveForm(forms.Form):
    """What became of a difference."""

    note = forms.CharField(
        label=_("What became of it"), max_length=NOTE_LENGTH, widget=forms.Textarea(attrs={"rows": 4})
    )
