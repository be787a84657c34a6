"""When the studio takes bookings, in wall time of its own zone."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.ids import uuid7
from common.weekdays import Weekday


class AvailabilityRule(models.Model):
    """Opening hours for bookings on one weekday, for one service or (no service) for all.

    Two rules that could apply to the same service never overlap; the exclusion constraint
    `bookings_rule_no_overlap` of migration 0002 holds that, since Django cannot describe it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    service = models.ForeignKey(
        "cms.Service",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("service"),
        help_text=_("Empty: for every service."),
    )
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday.choices)
    starts = models.TimeField(_("from"))
    ends = models.TimeField(_("to"))
    valid_from = models.DateField(_("valid from"), null=True, blank=True)
    valid_until = models.DateField(_("valid until"), null=True, blank=True, help_text=_("This day included."))
    created_at = models.DateTimeField(editable=False)
    updated_at = models.DateTimeField(editable=False)

    class Meta:
        verbose_name = _("opening hours")
        verbose_name_plural = _("opening hours")
        ordering = ["weekday", "starts"]
        constraints = [
            models.CheckConstraint(condition=Q(weekday__gte=1, weekday__lte=7), name="bookings_rule_weekday_iso"),
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="bookings_rule_within_a_day"),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True)
                | Q(valid_until__isnull=True)
                | Q(valid_until__gte=F("valid_from")),
                name="bookings_rule_valid_period",
            ),
        ]

    def __str__(self) -> str:
        return f"{Weekday(self.weekday).label} {self.starts:%H:%M} - {self.ends:%H:%M}"


class Closure(models.Model):
    """A time in which nothing can be booked, `starts_at` included and `ends_at` not."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("to"))
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")
    created_at = models.DateTimeField(editable=False)
    updated_at = models.DateTimeField(editable=False)

    class Meta:
        verbose_name = _("closure")
        verbose_name_plural = _("closures")
        ordering = ["-starts_at"]
        indexes = [models.Index(fields=["ends_at"], name="bookings_closure_ends")]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="bookings_closure_period"),
        ]

    def __str__(self) -> str:
        return self.reason or f"{self.starts_at:%Y-%m-%d}"
