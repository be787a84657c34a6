"""Held messages: what holds them, who lets them go or drops them, and what stands in the audit log."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts.tests.factories import make_user
from audit.models import AuditEvent
from common import clock
from jobs.models import Job
from jobs.models import State as JobState
from jobs.testing import run_due
from mail import ports, secrets_box
from mail.actions import delivery, drop, hold_waiting, let_go, rekey
from mail.errors import NotHeld, NotWaiting
from mail.models import Message, State
from mail.tests.factories import BY, LINK, make_message

pytestmark = pytest.mark.django_db
HOUR = 3600


def state_of(row):
    row.refresh_from_db()
    return row.state


def held(key="k1", **values):
    row = make_message(key=key, **values)
    hold_waiting(reason="restored", by=BY)
    return row


def audited():
    return list(AuditEvent.objects.order_by("id").values_list("action", "target_id"))


def test_holding_takes_what_has_not_certainly_left(django_assert_num_queries):
    out = make_message(key="out")
    run_due()
    waiting, sending = make_message(key="waiting"), make_message(key="sending")
    delivery.begin(message_id=str(sending.pk), by=BY)
    assert hold_waiting(reason="A backup was restored.", by=BY) == 2
    assert [state_of(row) for row in (out, waiting, sending)] == [State.SENT, State.HELD, State.HELD]
    event = AuditEvent.objects.get()
    assert (event.action, event.meta, event.reason) == ("mail.held", {"count": 2}, "A backup was restored.")
    run_due()
    assert [state_of(row) for row in (waiting, sending)] == [State.HELD, State.HELD]
    assert hold_waiting(reason="again", by=BY) == 0
    assert AuditEvent.objects.count() == 1


def test_let_go_sends_it():
    row = held(secrets={"link": LINK})
    run_due()
    let_go(message=row, by=BY)
    assert state_of(row) == State.QUEUED
    run_due()
    assert (state_of(row), row.secrets) == (State.SENT, None)
    assert audited() == [("mail.held", ""), ("mail.let_go", str(row.pk))]
    with pytest.raises(NotHeld):
        let_go(message=row, by=BY)
    assert len(audited()) == 2


def test_let_go_with_a_job_still_waiting_sends_once():
    row = held()
    let_go(message=row, by=BY)
    assert Job.objects.filter(kind="mail.deliver").count() == 1
    run_due()
    assert state_of(row) == State.SENT


def test_drop_erases_the_secrets_and_nothing_is_sent(mailoutbox):
    row = held(secrets={"link": LINK})
    waiting = make_message(key="k2")
    for message in (row, waiting):
        drop(message=message, by=BY)
        assert (state_of(message), message.secrets) == (State.DROPPED, None)
    run_due()
    assert (state_of(row), state_of(waiting), mailoutbox) == (State.DROPPED, State.DROPPED, [])
    assert audited() == [("mail.held", ""), ("mail.dropped", str(row.pk)), ("mail.dropped", str(waiting.pk))]


def test_what_is_out_cannot_be_dropped():
    row = make_message()
    run_due()
    with pytest.raises(NotWaiting):
        drop(message=row, by=BY)
    assert (state_of(row), audited()) == (State.SENT, [])


@pytest.mark.parametrize(("button", "state"), [("let_go", State.QUEUED), ("drop", State.DROPPED)])
def test_the_buttons(button, state):
    row = held()
    browser = Client()
    browser.force_login(make_user(held=("Owner",)))
    page = browser.get(f"/admin/mail/message/{row.pk}/change/").content.decode()
    assert "Let it go" in page
    assert "Drop it" in page
    assert "Send again" not in page
    assert browser.get("/admin/mail/message/?state__exact=held").content.decode().count(str(row.pk)) >= 1
    browser.post(f"/admin/mail/message/{row.pk}/action/{button}/")
    assert state_of(row) == state
    assert AuditEvent.objects.filter(action=f"mail.{'dropped' if button == 'drop' else button}").count() == 1


def test_only_those_who_may_press_them():
    row = held()
    browser = Client()
    browser.force_login(make_user("aud@example.com", held=("Auditor",)))
    assert "Let it go" not in browser.get(f"/admin/mail/message/{row.pk}/change/").content.decode()
    assert browser.post(f"/admin/mail/message/{row.pk}/action/let_go/").status_code == 403
    assert state_of(row) == State.HELD


# --- What a worker left behind ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("repeatable", "state"), [(False, State.UNKNOWN), (True, State.SENT)])
def test_the_sweep_takes_up_what_was_abandoned(monkeypatch, repeatable, state):
    monkeypatch.setattr(ports, "_repeatable", {"test/hello"} if repeatable else set())
    row = make_message()
    delivery.begin(message_id=str(row.pk), by=BY)
    Job.objects.update(state=JobState.DEAD, finished_at=clock.db_now())
    sweep(row)
    assert state_of(row) == State.SENDING  # not old enough
    with clock.shift(2 * HOUR):
        sweep(row)
    assert state_of(row) == state


def test_the_sweep_leaves_what_a_worker_still_holds():
    row = make_message()
    delivery.begin(message_id=str(row.pk), by=BY)
    Job.objects.update(state=JobState.RUN, worker="w", attempts=1, lease_until=clock.db_now() + timedelta(days=1))
    with clock.shift(2 * HOUR):
        sweep(row)
    assert state_of(row) == State.SENDING
    assert Job.objects.filter(kind="mail.deliver").count() == 1


def sweep(row):
    now = clock.db_now()
    Job.objects.create(kind="mail.sweep", actor_kind="system", run_at=now, created_at=now)
    run_due()


# --- Rotation of FIELD_KEY -------------------------------------------------------------------------------------------


def test_rekey_brings_pending_secrets_under_the_newest_key(settings):
    old, new = settings.FIELD_KEYS[0], bytes(32)
    sent = make_message(key="sent", secrets={"link": LINK})
    run_due()
    waiting = make_message(key="waiting", secrets={"link": LINK})
    plain = make_message(key="plain")
    settings.FIELD_KEYS = [new, old]
    fresh = make_message(key="fresh", secrets={"link": LINK})
    before = bytes(Message.objects.get(pk=fresh.pk).secrets)
    assert rekey(by=BY) == (1, 0)
    assert rekey(by=BY) == (0, 0)
    settings.FIELD_KEYS = [new]
    for row in (sent, waiting, plain, fresh):
        row.refresh_from_db()
    assert secrets_box.opened(waiting) == {"link": LINK}
    assert bytes(fresh.secrets) == before
    assert (sent.secrets, plain.secrets) == (None, None)


def test_rekey_counts_what_no_key_opens_and_goes_on(settings):
    lost = make_message(key="lost", secrets={"link": LINK})
    settings.FIELD_KEYS = [bytes(32)]
    kept = make_message(key="kept", secrets={"link": LINK})
    before = bytes(Message.objects.get(pk=lost.pk).secrets)
    settings.FIELD_KEYS = [b"n" * 32, bytes(32)]
    assert rekey(by=BY) == (1, 1)
    for row in (lost, kept):
        row.refresh_from_db()
    assert (bytes(lost.secrets), secrets_box.opened(kept)) == (before, {"link": LINK})
