"""What others ask the log."""

from datetime import timedelta

import pytest

from audit import selectors
from audit.actions import verifying
from audit.models import AuditEvent
from audit.tests.factories import rows, seal_all, sealed, sql, triggers_off
from audit.verification import Scope
from common import clock
from common.actor import Actor

pytestmark = pytest.mark.django_db(transaction=True)
BY = Actor.operator()
HOUR = 3600


def state():
    check = selectors.health()
    return check.status, check.reason


def test_a_young_log_is_well_before_anything_was_sealed():
    assert state() == ("ok", "")
    rows(1)
    assert state() == ("ok", "")
    assert selectors.health().details == {"verified_at": None}


def test_a_log_that_nobody_seals_or_verifies_is_degraded():
    rows(1)
    with clock.shift(26 * HOUR):
        assert state() == ("degraded", "not_sealed")
    sealed(1)
    with clock.shift(24 * HOUR):
        assert state() == ("ok", "")
    with clock.shift(49 * HOUR):
        seal_all()
        assert state() == ("degraded", "not_verified")
        AuditEvent.objects.count()
    verifying.verify(scope=Scope(), by=BY)
    assert state() == ("ok", "")
    assert selectors.health().details["verified_at"]


def test_a_fault_stays_visible_until_a_verification_finds_none():
    made, _ = sealed(2)
    with triggers_off():
        sql("UPDATE audit_event SET reason = 'x' WHERE id = %s", made[0].pk)
    verifying.verify(scope=Scope(), by=BY)
    assert state() == ("degraded", "audit_was_changed")
    with triggers_off():
        sql("UPDATE audit_event SET reason = '' WHERE id = %s", made[0].pk)
    verifying.verify(scope=Scope(), by=BY)
    assert state() == ("ok", "")


def test_the_seal_of_a_row():
    first, one = sealed(2)
    second, two = sealed(1)
    (open_row,) = rows(1)
    assert [selectors.seal_of(row) for row in (*first, *second, open_row)] == [one, one, two, None]


def test_the_newest_events_leave_out_who_read_the_log():
    from audit.actions import reading

    (made,) = rows(1)
    reading.note_read(query={}, by=BY)
    assert list(selectors.newest(limit=5)) == [made]


def test_a_superuser_is_never_out_of_reach():
    assert selectors.is_out_of_reach() is False
    assert timedelta(hours=25) == selectors.LATE
