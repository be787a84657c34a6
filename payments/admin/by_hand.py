"""Money taken by hand, recorded on a form: the same action as the API's."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from bookings import selectors as bookings
from common import money
from common.actor import actor_of
from common.admin import ActionAdmin
from common.admin.shown import NOTHING
from common.ids import uuid7
from payments.actions import offline
from payments.constants import OFFLINE_REFERENCE_LENGTH, OfflineMethod
from payments.models import Payment

MAY_RECORD = "payments.record"
ASKED = ("booking", "amount", "method", "reference", "received_at", "once")


class ByHandForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in the stubs
    """What was taken for which booking, in the booking's currency. `once` makes a double click one payment."""

    amount = forms.DecimalField(
        label=_("Amount"), min_value=Decimal("0.001"), max_value=money.LARGEST_AMOUNT,
        help_text=_("In the booking's currency, as people say it: 2500 or 2500.50."),
    )  # fmt: skip
    method = forms.ChoiceField(label=_("How it came"), choices=OfflineMethod.choices)
    reference = forms.CharField(
        label=_("Reference"), max_length=OFFLINE_REFERENCE_LENGTH,
        help_text=_("What proves it: the number of the receipt, the transfer or the till."),
    )  # fmt: skip
    once = forms.UUIDField(widget=forms.HiddenInput, initial=uuid7)

    class Meta:
        model = Payment
        fields = ("booking", "method", "reference", "received_at")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["received_at"].required = False
        self.fields["received_at"].help_text = _("When it was taken; left empty: now.")

    def clean(self) -> dict[str, Any]:
        """The amount in whole minor units, and no more than what is still to be paid."""
        values = super().clean() or {}
        booking, amount, once = (values.get(name) for name in ("booking", "amount", "once"))
        if booking is None or amount is None or once is None:
            return values
        minor = money.in_minor_units(amount, booking.currency)
        left = bookings.outstanding(booking)
        if minor != minor.to_integral_value():
            self.add_error("amount", _("The currency has no such small part."))
        elif minor > left and not Payment.objects.filter(pk=once).exists():
            most = money.format_money(left, booking.currency) if left else NOTHING
            self.add_error("amount", _("Still to be paid for this booking: {most}.").format(most=most))
        else:
            values["minor"] = int(minor)
        return values

    def validate_constraints(self) -> None:
        """Left to the action, which makes the row."""


class ByHandAdmin(ActionAdmin):
    """Adding a payment records money taken by hand; nothing else is added, changed or deleted."""

    autocomplete_fields = ("booking",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whoever may record money."""
        return request.user.has_perm(MAY_RECORD)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never; the buttons act."""
        return False

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The form's fields while there is no payment yet."""
        return super().get_fieldsets(request, obj) if obj else [(None, {"fields": ASKED})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What a payment's page shows; the form shows nothing but its fields."""
        return super().get_readonly_fields(request, obj) if obj else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form of its own for a new one."""
        return super().get_form(request, obj, change, **(kwargs if obj else kwargs | {"form": ByHandForm}))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Says what it is: payments by card begin on the customer's page."""
        only_save = {"show_save_and_add_another": False, "show_save_and_continue": False}
        title = {"title": _("Record money taken by hand")}
        return super().add_view(request, form_url, {**(extra_context or {}), **title, **only_save})

    def perform_save(self, request: HttpRequest, obj: Any, form: BaseForm, change: bool) -> Payment:
        """Record it."""
        values = form.cleaned_data
        booking = bookings.booking_for(booking_id=values["booking"].pk, grant_or_user=request.user)
        received = offline.Received(
            booking_id=booking.pk, amount=values["minor"], method=values["method"], reference=values["reference"],
            received_at=values["received_at"], once=values["once"],
        )  # fmt: skip
        return offline.record_payment(received=received, by=actor_of(request))

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        """To the payment's page, with what it did."""
        payment = Payment.objects.select_related("booking").get(pk=obj.pk)
        shown = money.format_money(payment.amount, payment.currency)
        state = payment.booking.get_status_display()
        messages.success(
            request, _("{amount} recorded; the booking is now: {state}.").format(amount=shown, state=state)
        )  # fmt: skip
        return HttpResponseRedirect(reverse("admin:payments_payment_change", args=[payment.pk]))
