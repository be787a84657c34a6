"""Logs, error reports, audit rows and staff pages mask by one rule, and a canary survives in none of them."""

import json

import pytest
from django.db import transaction

from audit.actions import record
from common import events, masking
from common.actor import Actor
from common.tests.test_masking import CANARIES
from config import logs, sentry
from payments.admin import shown


@pytest.mark.django_db
@pytest.mark.parametrize(("text", "secret"), CANARIES.values(), ids=CANARIES)
def test_a_canary_enters_no_audit_row(text, secret, monkeypatch):
    monkeypatch.setitem(events.registry, "thing.changed", "A thing was changed")
    with transaction.atomic():
        row = record(
            action="thing.changed",
            by=Actor.operator(),
            before={"note": text},
            after={"inner": {"list": [text]}},
            meta={text: "x", "url": text},
            reason=text,
        )
    row.refresh_from_db()
    assert secret not in json.dumps([row.before, row.after, row.reason, row.meta["url"]])


@pytest.mark.parametrize(("text", "secret"), CANARIES.values(), ids=CANARIES)
def test_a_canary_reaches_no_log_line_report_or_page(text, secret):
    line = logs.mask_event(None, "info", {"event": text, "more": {"inner": [text]}, "count": 3})
    report = sentry.scrub({"message": text, "extra": {"list": [text]}}, {})
    for found in (line, report, shown.masked({"note": [text]})):
        assert secret not in json.dumps(found)
    assert line["count"] == 3


def test_nobody_keeps_patterns_of_their_own():
    """Logs, error reports, audit rows and staff pages all call this module."""
    assert logs.mask_texts is masking.mask_texts
    assert shown.masking is masking
