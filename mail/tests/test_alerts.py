"""Alerts: one a (code, record), with the way to the record and to what to do, and never an alert about an alert."""

import pytest
from django.core import mail

from common import clock
from jobs.models import Job
from jobs.models import State as JobState
from jobs.testing import run_due
from mail import tasks
from mail.models import Message, State
from mail.providers.outgoing import HandoverFailed
from mail.providers.verdicts import Verdict
from mail.tests.factories import make_message

pytestmark = pytest.mark.django_db
DAY = 24 * 3600
ARGS = {"code": "job_dead", "record": "7", "summary": "It failed.", "path": "/admin/jobs/job/7/change/"}


@pytest.fixture(autouse=True)
def _recipient(settings):
    settings.ALERT_EMAIL = ["ops@example.com"]


@pytest.fixture
def refusing(monkeypatch):
    """A provider that refuses everything, as with a wrong key."""

    def make(verdict):
        def refuse(email):
            raise HandoverFailed(verdict, "401 wrong key")

        monkeypatch.setattr(tasks.outgoing, "hand_over", refuse)

    return make


def raise_alert(**changes):
    now = clock.db_now()
    return Job.objects.create(kind="mail.alert", args=ARGS | changes, actor_kind="system", run_at=now, created_at=now)


def test_it_links_to_the_record_and_to_the_runbook():
    raise_alert()
    run_due()
    (sent,) = mail.outbox
    ((html, _),) = sent.alternatives
    for link in ("http://testserver/admin/jobs/job/7/change/", "http://testserver/docs/runbook/job_dead"):
        assert link in sent.body
        assert f'href="{link}"' in html


def test_one_message_a_code_and_record():
    for changes in ({}, {}, {"record": "8"}, {"code": "refund_failed"}):
        raise_alert(**changes)
        run_due()
    assert sorted(Message.objects.values_list("key", flat=True)) == [
        "alert:job_dead:7:ops@example.com",
        "alert:job_dead:8:ops@example.com",
        "alert:refund_failed:7:ops@example.com",
    ]


def test_a_dead_mail_raises_one_alert_which_raises_none(refusing, caplog):
    refusing(Verdict.PERMANENT)
    row = make_message()
    run_due()
    row.refresh_from_db()
    assert row.state == State.FAILED
    alert = Message.objects.get(template="mail/alert")
    assert alert.state == State.FAILED
    assert Job.objects.filter(kind="mail.alert").count() == 1
    assert Job.objects.filter(kind="mail.deliver", args__message_id=str(alert.pk)).get().state == JobState.DONE
    assert "alert_not_mailed" in caplog.text


def test_an_alert_is_tried_as_often_as_any_mail(refusing):
    refusing(Verdict.RETRY)
    raise_alert()
    for attempt in range(6):
        with clock.shift(attempt * DAY):
            run_due()
    assert Message.objects.get().state == State.FAILED
    assert Job.objects.filter(kind="mail.alert").count() == 1
    assert Job.objects.get(kind="mail.deliver").attempts == 6


def test_a_dead_alert_job_raises_none():
    job = raise_alert(code=7, nonsense=True)
    Job.objects.filter(pk=job.pk).update(max_attempts=1)
    run_due()
    job.refresh_from_db()
    assert (job.state, Job.objects.count(), Message.objects.count()) == (JobState.DEAD, 1, 0)
