"""The pages of jobs and processes, as staff open them."""

import pytest

from accounts.tests.factories import make_user, open_admin
from audit.models import AuditEvent
from jobs.models import Job, Role, State
from jobs.tests.factories import make_job, make_process, now

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client):
    owner = make_user(held=("Owner",))
    client.force_login(owner)
    open_admin(client, owner)
    return client


def test_processes_are_listed_without_the_sum_of_the_gone(browser):
    make_process(Role.RUNNER, host="machine-one", counters={"dead|a": 3})
    make_process(Role.GONE, host="nowhere")
    page = browser.get("/admin/jobs/process/")
    assert page.status_code == 200
    assert b"machine-one" in page.content
    assert b"nowhere" not in page.content
    row = page.context["cl"].result_list[0]
    shown = browser.get(f"/admin/jobs/process/{row.pk}/change/")
    assert shown.status_code == 200
    assert b"dead|a" in shown.content


def test_the_list_costs_as_much_with_many(browser, django_assert_max_num_queries):
    for number in range(40):
        make_job(state=State.DEAD, finished_at=now(), last_error=f"boom {number}")
    with django_assert_max_num_queries(15):
        assert browser.get("/admin/jobs/job/").status_code == 200


def test_the_buttons_requeue_and_cancel_and_are_audited(browser):
    job = make_job(state=State.DEAD, finished_at=now(), attempts=5, steps={"call": 1})
    assert b"call" in browser.get(f"/admin/jobs/job/{job.pk}/change/").content
    assert browser.post(f"/admin/jobs/job/{job.pk}/action/requeue/").status_code == 302
    assert Job.objects.get(pk=job.pk).state == State.NEW
    assert browser.post(f"/admin/jobs/job/{job.pk}/action/cancel/").status_code == 302
    assert Job.objects.get(pk=job.pk).state == State.CANCELLED
    made = AuditEvent.objects.filter(action__startswith="job.").order_by("id")
    assert [(event.action, event.actor_kind) for event in made] == [
        ("job.requeued", "staff"),
        ("job.cancelled", "staff"),
    ]
