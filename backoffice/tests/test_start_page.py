"""The start page asks every app: what an app counts and nobody asks for would wait unseen."""

from importlib import import_module

import pytest

from backoffice.selectors import NEEDS, STAFF_HEALTH

APPS = ("accounts", "audit", "bookings", "cms", "jobs", "mail", "payments", "uploads")


def full_name(function):
    return f"{function.__module__}.{function.__qualname__}"


@pytest.mark.parametrize(("name", "asked"), [("needs_you", NEEDS), ("health", STAFF_HEALTH)])
def test_every_app_that_answers_is_asked(name, asked):
    selectors = [import_module(f"{app}.selectors") for app in APPS]
    answering = [
        found for one in selectors for word, found in vars(one).items() if word == name or word.endswith(f"_{name}")
    ]
    assert sorted(map(full_name, asked)) == sorted(map(full_name, answering))
