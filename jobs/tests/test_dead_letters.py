"""What people may do to jobs: in the admin, at the shell, on the health card."""

from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.contrib import admin
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from common import clock
from common.actor import Actor
from jobs import selectors
from jobs.actions import cancel, enqueue, requeue
from jobs.errors import JobNotOpen
from jobs.models import Job, Role, State
from jobs.testing import run_due
from jobs.tests.factories import BY, handler, make_job, make_process, now

pytestmark = pytest.mark.django_db
OPERATOR = Actor.operator()


def dead(**values):
    return make_job(state=State.DEAD, finished_at=now(), attempts=5, last_error="boom", **values)


def test_requeue_makes_it_due_with_all_attempts_and_is_audited():
    job = dead()
    requeue(job=job, by=OPERATOR)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.finished_at) == (State.NEW, 0, None)
    assert job.due_at <= now()
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_kind, event.target_id) == ("job.requeued", "operator", str(job.pk))
    assert (event.before, event.after) == ({"state": "dead"}, {"state": "new"})
    with handler(lambda run: None):
        assert run_due() == 1


def test_cancel_ends_a_waiting_job_and_is_audited():
    job = make_job()
    cancel(job=job, by=OPERATOR)
    job.refresh_from_db()
    assert (job.state, job.due_at) == (State.CANCELLED, None)
    assert AuditEvent.objects.get().action == "job.cancelled"
    assert run_due() == 0


@pytest.mark.parametrize(
    ("act", "values"),
    [
        (requeue, {}),
        (requeue, {"state": State.DONE, "finished_at": "now"}),
        (cancel, {"state": State.DEAD, "finished_at": "now"}),
        (cancel, {"state": State.RUN, "lease_until": "now", "worker": "w"}),
    ],
)
def test_other_states_are_refused_and_nothing_changes(act, values):
    job = make_job(**{name: now() if value == "now" else value for name, value in values.items()})
    before = Job.objects.filter(pk=job.pk).values().get()
    with pytest.raises(JobNotOpen):
        act(job=job, by=OPERATOR)
    assert Job.objects.filter(pk=job.pk).values().get() == before
    assert AuditEvent.objects.count() == 0


def test_requeue_is_refused_while_the_same_work_waits_elsewhere():
    job = dead(dedupe_key="k")
    enqueue(kind="test.work", args={}, by=BY, dedupe_key="k")
    with pytest.raises(JobNotOpen, match="already waiting"):
        requeue(job=job, by=OPERATOR)
    job.refresh_from_db()
    assert job.state == State.DEAD


def command(*arguments):
    out = StringIO()
    call_command("jobs", *arguments, stdout=out)
    return out.getvalue()


def test_command_lists_shows_requeues_and_cancels():
    job, other = dead(args={"a": 1}), make_job("test.other")
    assert str(job.pk) in command("list", "--state", "dead")
    assert str(other.pk) not in command("list", "--state", "dead")
    assert command("list", "--kind", "test.none") == "No jobs.\n"
    shown = command("show", str(job.pk))
    assert '{"a": 1}' in shown
    assert "boom" in shown
    assert command("requeue", str(job.pk)) == f"test.work {job.pk} is new.\n"
    assert command("cancel", str(job.pk)) == f"test.work {job.pk} is cancelled.\n"
    assert list(AuditEvent.objects.order_by("id").values_list("action", flat=True)) == ["job.requeued", "job.cancelled"]


def test_command_refuses_in_one_sentence():
    with pytest.raises(CommandError, match="only dead and cancelled"):
        command("requeue", str(make_job().pk))
    with pytest.raises(CommandError, match="no such job"):
        command("show", str(uuid4()))


def test_health():
    make_process(Role.RUNNER, seen_at=now() + timedelta(hours=1), active_at=now() + timedelta(hours=1))
    well = {"status": "ok", "oldest_seconds": 0, "dead": 0, "processes": 1, "silent": 0}
    assert selectors.health().as_dict() == well
    make_job(run_at=now() + timedelta(hours=1))
    assert selectors.health().status == "ok"
    make_job()
    with clock.shift(65):
        stalled = selectors.health()
    assert (stalled.status, stalled.reason) == ("degraded", "jobs_stalled")
    assert stalled.details["oldest_seconds"] >= 65
    dead()
    assert selectors.health().as_dict() == well | {"status": "degraded", "reason": "jobs_dead", "dead": 1}


def test_needs_you_counts_dead_jobs():
    dead()
    (attention,) = selectors.needs_you()
    assert (attention.count, attention.url) == (1, "/admin/jobs/job/?state__exact=dead")


def test_purge_keeps_done_a_week_and_dead_a_quarter():
    day = timedelta(days=1)
    kept = [
        make_job(state=State.DONE, finished_at=now() - 6 * day),
        make_job(state=State.DEAD, finished_at=now() - 89 * day),
        make_job(run_at=now() + day),
    ]
    make_job(state=State.DONE, finished_at=now() - 8 * day)
    make_job(state=State.CANCELLED, finished_at=now() - 8 * day)
    make_job(state=State.DEAD, finished_at=now() - 91 * day)
    purge = make_job("jobs.purge")
    assert run_due() == 1
    assert set(Job.objects.values_list("pk", flat=True)) == {job.pk for job in [*kept, purge]}


def test_admin_offers_the_buttons_that_fit():
    page = admin.site._registry[Job]
    failed, waiting = dead(), make_job()
    assert (page.may_requeue(failed), page.may_cancel(failed)) == (True, False)
    assert (page.may_requeue(waiting), page.may_cancel(waiting)) == (False, True)
    assert page.tries(failed) == "5 of 5"
    assert page.error(failed) == "<pre>boom</pre>"
