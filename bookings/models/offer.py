"""What can be booked: the offer of a service, and the resource whose seats it takes."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.constants import MINUTES_A_DAY, Mode
from common.ids import uuid7


class BookingResource(models.Model):
    """Something that serves up to `capacity` customers at once: a person, a room, a workshop."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=120, unique=True)
    capacity = models.PositiveSmallIntegerField(
        _("capacity"), default=1, help_text=_("How many bookings may run at the same time.")
    )
    created_at = models.DateTimeField(editable=False)
    updated_at = models.DateTimeField(editable=False)

    class Meta:
        verbose_name = _("resource")
        verbose_name_plural = _("resources")
        ordering = ["name"]
        constraints = [models.CheckConstraint(condition=Q(capacity__gte=1), name="bookings_resource_capacity_positive")]

    def __str__(self) -> str:
        return self.name


class ServiceOffer(models.Model):
    """How one service is booked, for how much and with which notice. Prices include tax, in minor units."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    service = models.OneToOneField(
        "cms.Service", on_delete=models.CASCADE, related_name="booking_offer", verbose_name=_("service")
    )
    mode = models.CharField(_("mode"), max_length=10, choices=Mode.choices, default=Mode.NONE)
    resource = models.ForeignKey(
        BookingResource,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="offers",
        verbose_name=_("resource"),
    )
    duration_minutes = models.PositiveSmallIntegerField(_("duration in minutes"), default=60)
    buffer_minutes = models.PositiveSmallIntegerField(
        _("buffer in minutes"), default=0, help_text=_("Kept free after each booking.")
    )
    price_amount = models.PositiveBigIntegerField(
        _("price in minor units"), default=0, help_text=_("Tax included: 250000 is KES 2,500.00.")
    )
    currency = models.CharField(_("currency"), max_length=3, default="KES")
    deposit_percent = models.PositiveSmallIntegerField(
        _("deposit in percent"), default=0, help_text=_("0 or 100: the whole price is due at once.")
    )
    min_notice_hours = models.PositiveSmallIntegerField(_("notice in hours"), default=24)
    max_days_ahead = models.PositiveSmallIntegerField(_("days ahead"), default=60)
    cancellation_hours = models.PositiveSmallIntegerField(_("free cancellation until, in hours before"), default=48)
    created_at = models.DateTimeField(editable=False)
    updated_at = models.DateTimeField(editable=False)

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        ordering = ["service_id"]
        constraints = [
            models.CheckConstraint(condition=Q(mode__in=Mode.values), name="bookings_offer_mode_known"),
            models.CheckConstraint(
                condition=~Q(mode=Mode.SLOT) | Q(resource__isnull=False), name="bookings_offer_slot_has_resource"
            ),
            models.CheckConstraint(
                condition=Q(duration_minutes__gte=1, duration_minutes__lte=MINUTES_A_DAY),
                name="bookings_offer_duration_within_a_day",
            ),
            models.CheckConstraint(
                condition=Q(buffer_minutes__lte=MINUTES_A_DAY), name="bookings_offer_buffer_within_a_day"
            ),
            models.CheckConstraint(condition=Q(deposit_percent__lte=100), name="bookings_offer_deposit_percent"),
            models.CheckConstraint(condition=Q(max_days_ahead__gte=1), name="bookings_offer_days_ahead_positive"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="bookings_offer_currency_code"),
        ]

    def __str__(self) -> str:
        return str(self.service)
