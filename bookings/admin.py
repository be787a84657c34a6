"""The bookings' part of the admin: every change is an action."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from bookings import selectors, words
from bookings.actions import availability, cancellation, decisions, offers, removal
from bookings.constants import TRANSITIONS, MoneyState, Status
from bookings.models import AvailabilityRule, Booking, BookingResource, Closure, ServiceOffer
from common.actor import actor_of
from common.admin import (
    ActionAdmin,
    DeletableAdmin,
    ObjectAction,
    ObjectActionsMixin,
    PricedForm,
    ReadOnlyAdmin,
    YesFilter,
)
from common.admin.shown import NOTHING, as_links
from common.clock import db_now
from common.errors import DomainError
from common.money import format_money
from mail import selectors as mail
from uploads import selectors as uploads

CHANGE = "bookings.change_booking"
RECORD, RECORDING = "payments.record", "admin:payments_payment_add"  # the app above this one has the form
CUSTOMER = ("customer_name", "customer_email", "mail_trouble", "customer_phone", "notes", "consent_version")


class ReviewFilter(YesFilter):
    """Bookings whose money a person must look at."""

    title = _("money to look at")
    parameter_name = "review"

    def wanted(self, queryset: QuerySet[Booking]) -> QuerySet[Booking]:
        """Those that wait."""
        return queryset.exclude(review_reason="")


@admin.register(Booking)
class BookingAdmin(ObjectActionsMixin, ReadOnlyAdmin):
    """Reads; what staff may do with a booking are the buttons on its page."""

    list_display = ("reference", "customer_name", "service_title", "starts", "state", "money", "created_at")
    list_filter = ("status", ReviewFilter, "starts_at", "service")
    search_fields = ("reference", "customer_name", "customer_email")
    search_help_text = _("Reference, name or e-mail")
    ordering = ("-created_at", "-id")
    show_full_result_count = False
    list_per_page = 50
    object_actions = (
        ObjectAction("confirm", "Confirm", CHANGE, "confirm", when="may_confirm"),
        ObjectAction("decline", "Decline", CHANGE, "decline", when="may_decline", danger=True),
        ObjectAction(
            "cancel", "Cancel, refund everything", CHANGE, "cancel", when="may_cancel", danger=True,
            explain="The customer gets a mail, and all that was paid goes back.",
        ),
        ObjectAction(
            "refund", "Refund everything", CHANGE, "refund", when="waits_for_review", danger=True,
            explain="Pays back all money of this booking.",
        ),
        ObjectAction("keep", "Keep the money", CHANGE, "keep", when="waits_for_review"),
        ObjectAction(
            "record", "Record money…", RECORD, when="is_owed_for", leads_to="recording",
            explain="Cash, a transfer, a terminal or a till: money that came by hand.",
        ),
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("reference", "state", "service_title", "when_text", "resource", "seat")}),
        (_("Customer"), {"fields": CUSTOMER}),
        (_("Money"), {"fields": ("money", "price", "deposit", "paid", "refunded", "to_refund", "review_reason")}),
        (_("Files"), {"fields": ("files",)}),
        (_("Course"), {"fields": ("created_at", "hold_expires_at", "cancelled_at", "cancelled_by", "cancel_reason")}),
        (_("Origin"), {"fields": ("source_page", "attribution"), "classes": ("collapse",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Booking]:
        """Spam is stored, and shown nowhere."""
        return super().get_queryset(request).filter(spam=False).select_related("service", "resource")

    @admin.display(description=_("starts"), ordering="starts_at")
    def starts(self, booking: Booking) -> Any:
        """The start, for the list."""
        return booking.starts_at

    @admin.display(description=_("when"))
    def when_text(self, booking: Booking) -> str:
        """The time as the customer was told it."""
        return words.when(booking) or NOTHING

    @admin.display(description=_("status"), ordering="status")
    def state(self, booking: Booking) -> str:
        """The state in a word."""
        return str(Status(booking.status).label)

    @admin.display(description=_("money"))
    def money(self, booking: Booking) -> str:
        """How far the money is."""
        return str(MoneyState(selectors.money_state(booking)).label)

    @admin.display(description=_("mail"))
    def mail_trouble(self, booking: Booking) -> str:
        """What is known against the customer's address: it bounced, or its reader complained."""
        found = mail.address_trouble(booking.customer_email)
        return found.words if found else NOTHING

    @admin.display(description=_("price"))
    def price(self, booking: Booking) -> str:
        """The agreed price."""
        return format_money(booking.price_amount, booking.currency)

    @admin.display(description=_("deposit"))
    def deposit(self, booking: Booking) -> str:
        """The agreed deposit."""
        return format_money(booking.deposit_amount, booking.currency)

    @admin.display(description=_("paid"))
    def paid(self, booking: Booking) -> str:
        """All that was paid."""
        return format_money(booking.paid_amount, booking.currency)

    @admin.display(description=_("refunded"))
    def refunded(self, booking: Booking) -> str:
        """All that went back."""
        return format_money(booking.refunded_amount, booking.currency)

    @admin.display(description=_("still to refund"))
    def to_refund(self, booking: Booking) -> str:
        """What is owed."""
        return format_money(selectors.refund_owed(booking), booking.currency)

    @admin.display(description=_("files"))
    def files(self, booking: Booking) -> str:
        """What was attached, with its state; each leads to the page of the file."""
        return as_links(uploads.staff_links("booking", booking.pk))

    def has_delete_permission(self, request: HttpRequest, obj: Booking | None = None) -> bool:
        """For those who hold it, and a booking that came to nothing."""
        user: Any = request.user
        return obj is not None and user.has_perm("bookings.delete_booking") and selectors.is_over(obj, now=db_now())

    def delete_model(self, request: HttpRequest, obj: Booking) -> None:
        """Delete it with its files."""
        removal.delete(booking_id=obj.pk, by=actor_of(request))

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Django's view; a refusal of the action is said on the booking's page."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except DomainError as refusal:
            messages.error(request, refusal.in_one_line)
            return HttpResponseRedirect("../change/")

    def may_confirm(self, booking: Booking) -> bool:
        """Held or requested; an expired one is confirmed only by money."""
        return booking.status in {Status.HELD, Status.REQUESTED}

    def may_decline(self, booking: Booking) -> bool:
        """Requested."""
        return Status.DECLINED in TRANSITIONS[booking.status]

    def may_cancel(self, booking: Booking) -> bool:
        """Whatever is still open."""
        return Status.CANCELLED in TRANSITIONS[booking.status]

    def waits_for_review(self, booking: Booking) -> bool:
        """Money of it waits for a decision."""
        return bool(booking.review_reason)

    def is_owed_for(self, booking: Booking) -> bool:
        """Something of its price was never paid."""
        return selectors.outstanding(booking) > 0

    def recording(self, booking: Booking) -> str:
        """The form for money by hand, filled in with this booking."""
        return f"{reverse(RECORDING)}?{urlencode({'booking': booking.pk})}"

    def confirm(self, request: HttpRequest, booking: Booking) -> Any:
        """Confirm by hand."""
        decisions.confirm(booking_id=booking.pk, by=actor_of(request))
        return _("The booking is confirmed, and the customer gets a mail.")

    def decline(self, request: HttpRequest, booking: Booking) -> Any:
        """Decline a request."""
        decisions.decline(booking_id=booking.pk, by=actor_of(request))
        return _("The request is declined, and the customer gets a mail.")

    def cancel(self, request: HttpRequest, booking: Booking) -> Any:
        """Cancel and refund everything."""
        cancellation.cancel(booking_id=booking.pk, by=actor_of(request))
        return _("The booking is cancelled, and the customer gets a mail.")

    def refund(self, request: HttpRequest, booking: Booking) -> Any:
        """Pay everything back."""
        decisions.resolve_review(booking_id=booking.pk, by=actor_of(request), refund_amount=booking.paid_amount)
        return _("All that was paid goes back.")

    def keep(self, request: HttpRequest, booking: Booking) -> Any:
        """Keep what was not refunded yet."""
        decisions.resolve_review(booking_id=booking.pk, by=actor_of(request), refund_amount=booking.refunded_amount)
        return _("The money is kept.")


class OfferForm(PricedForm):
    """How a service is booked, and for how much."""

    CURRENCY = "currency"

    class Meta:
        model = ServiceOffer
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].required = True
        self.fields["amount"].help_text = _("Tax included, as people say it: 2500 or 2500.50.")


@admin.register(ServiceOffer)
class OfferAdmin(ActionAdmin):
    """How each service is booked."""

    form = OfferForm
    list_display = ("service", "mode", "resource", "duration_minutes", "amount", "deposit_percent")
    list_filter = ("mode", "resource")
    list_select_related = ("service", "resource")
    search_fields = ("service__title",)
    fieldsets = (
        (None, {"fields": ("service", "mode", "resource")}),
        (_("Time"), {"fields": ("duration_minutes", "buffer_minutes", "min_notice_hours", "max_days_ahead")}),
        (_("Money"), {"fields": (("amount", "currency"), "deposit_percent", "cancellation_hours")}),
    )

    @admin.display(description=_("price"), ordering="price_amount")
    def amount(self, offer: ServiceOffer) -> str:
        """The price in words, for the list and for those who may only look."""
        return format_money(offer.price_amount, offer.currency)

    def perform_save(self, request: HttpRequest, obj: ServiceOffer, form: Any, change: bool) -> Model:
        """Store it."""
        return offers.save(offer=obj, by=actor_of(request))


@admin.register(BookingResource)
class ResourceAdmin(ActionAdmin):
    """People, rooms and teams whose time is booked."""

    list_display = ("name", "capacity")
    search_fields = ("name",)
    fields = ("name", "capacity")

    def perform_save(self, request: HttpRequest, obj: BookingResource, form: Any, change: bool) -> Model:
        """Store it."""
        return offers.save_resource(resource=obj, by=actor_of(request))


@admin.register(AvailabilityRule)
class RuleAdmin(DeletableAdmin):
    """Opening hours, in the studio's own time."""

    list_display = ("weekday", "starts", "ends", "service", "valid_from", "valid_until")
    list_filter = ("weekday", "service")
    list_select_related = ("service",)
    fields = ("weekday", "starts", "ends", "service", "valid_from", "valid_until")

    def perform_save(self, request: HttpRequest, obj: AvailabilityRule, form: Any, change: bool) -> Model:
        """Store them."""
        return availability.save_rule(rule=obj, by=actor_of(request))

    def perform_delete(self, request: HttpRequest, obj: AvailabilityRule) -> None:
        """Delete them."""
        availability.delete_rule(rule=obj, by=actor_of(request))


@admin.register(Closure)
class ClosureAdmin(DeletableAdmin):
    """Holidays and other times without bookings."""

    list_display = ("reason", "starts_at", "ends_at")
    list_filter = ("starts_at",)
    search_fields = ("reason",)
    fields = ("starts_at", "ends_at", "reason")

    def perform_save(self, request: HttpRequest, obj: Closure, form: Any, change: bool) -> Model:
        """Store it."""
        return availability.save_closure(closure=obj, by=actor_of(request))

    def perform_delete(self, request: HttpRequest, obj: Closure) -> None:
        """Delete it."""
        availability.delete_closure(closure=obj, by=actor_of(request))
