"""Lengths of time in words."""

from django.utils.translation import gettext, ngettext

MINUTES_AN_HOUR = 60


def in_words(minutes: int) -> str:
    """Minutes as people say them: `45 minutes`, `2 hours`, `1 h 30 min`."""
    hours, rest = divmod(minutes, MINUTES_AN_HOUR)
    if not hours:
        return ngettext("%(n)d minute", "%(n)d minutes", rest) % {"n": rest}
    if not rest:
        return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
    return gettext("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": rest}
