"""Forms in which staff write prices as they say them."""

from typing import Any, ClassVar

from django import forms

from common import money


class PricedForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in the stubs
    """Writes `price_amount`, in minor units, as the field `amount`, in whole ones; `CURRENCY` names the other field."""

    CURRENCY: ClassVar[str]

    amount = forms.DecimalField(
        label="Price",
        required=False,
        min_value=0,
        max_value=money.LARGEST_AMOUNT,
        help_text="As people say it: 2500 or 2500.50.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance.price_amount
        if stored is not None:
            self.initial["amount"] = money.in_units(stored, getattr(self.instance, self.CURRENCY))

    def clean(self) -> dict[str, Any]:
        """Turn the amount into minor units, where it must be whole; without a currency the model refuses it."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        amount, currency = values.get("amount"), values.get(self.CURRENCY) or ""
        minor = amount if amount is None or not currency else money.in_minor_units(amount, currency)
        if minor is not None and minor != minor.to_integral_value():
            self.add_error("amount", f"{currency} has no such small part.")
        self.instance.price_amount = None if minor is None else int(minor)
        return values
