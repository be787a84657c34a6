"""The start page asks every app: what an app counts and nobody asks for would wait unseen."""

from importlib import import_module

import pytest

from backoffice.selectors import NEEDS, STAFF_HEALTH

APPS = ("accounts", "audit", "bookings", "cms", "jobs", "mail", "payments", "uploads")


@pytest.mark.parametrize(("name", "asked"), [("needs_you", NEEDS), ("health", STAFF_HEALTH)])
def test_every_app_that_answers_is_asked(name, asked):
    selectors = [import_module(f"{app}.selectors") for app in APPS]
    answering = [getattr(one, name) for one in selectors if hasattr(one, name)]
    assert sorted(one.__module__ for one in asked) == sorted(one.__module__ for one in answering)
