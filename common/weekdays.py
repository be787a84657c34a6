"""The days of the week by ISO 8601, in which Monday is 1."""

from django.db.models import IntegerChoices
from django.utils.translation import gettext_lazy as _


class Weekday(IntegerChoices):
    """What columns, forms and pages call a day."""

    MONDAY = 1, _("Monday")
    TUESDAY = 2, _("Tuesday")
    WEDNESDAY = 3, _("Wednesday")
    THURSDAY = 4, _("Thursday")
    FRIDAY = 5, _("Friday")
    SATURDAY = 6, _("Saturday")
    SUNDAY = 7, _("Sunday")
