"""Rows that nobody finishes, and what closes them."""

from datetime import timedelta
from typing import Any
from unittest import mock

import pytest

from audit.models import AuditEvent
from common.actor import Actor
from common.clock import db_now, shift
from common.handlers import registry
from jobs import constants as job_constants
from jobs.actions import cancel, enqueue, requeue
from jobs.engine.claims import take_due
from jobs.models import Job
from jobs.testing import run_due
from uploads import tasks
from uploads.actions import processing, sweeps
from uploads.constants import Bucket, Found, State
from uploads.errors import StorageUnavailable
from uploads.models import File
from uploads.storage.local import LocalStorage
from uploads.tests.factories import arrived, picture, put, sign, staff_client, waiting

pytestmark = pytest.mark.django_db
BY = Actor.system("tests")
AFTER_THE_GRACE = 12 * 60 + 1


def found(one: Any) -> list[tuple[str, str, str]]:
    return [(finding.kind.value, finding.ref, finding.action) for finding in one.findings]


def events(action: str) -> int:
    return AuditEvent.objects.filter(action=action).count()


def test_signed_uploads_that_nobody_confirmed_expire(store: LocalStorage) -> None:
    client, content = staff_client(), picture()
    put(sign(client, content)["upload"], content)
    fresh = arrived(content, expires_at=db_now())
    with shift(11 * 60):
        File.objects.filter(pk=fresh.pk).update(expires_at=db_now())
        assert found(sweeps.expire(by=BY)) == []
    expired = File.objects.exclude(pk=fresh.pk).get()
    with shift(AFTER_THE_GRACE):
        assert found(sweeps.expire(by=BY, dry_run=True)) == [("overdue", str(expired.pk), "expired")]
        assert File.objects.get(pk=expired.pk).state == "pending"
        assert found(sweeps.expire(by=BY)) == [("overdue", str(expired.pk), "expired")]
        assert sweeps.expire(by=BY).findings == ()
    expired.refresh_from_db()
    assert expired.state == "expired"
    assert [info.key for info in store.list(Bucket.PRIVATE, "", limit=9)] == [fresh.quarantine_key]
    again = client.post("/api/uploads/confirm", {"file_id": str(expired.pk)})
    assert (again.status_code, again.json()["code"]) == (410, "upload_expired")
    assert [event.meta["arrived"] for event in AuditEvent.objects.filter(action="file.expired")] == [True]


def test_an_upload_that_never_arrived_expires_too() -> None:
    sign(staff_client(), picture())
    with shift(AFTER_THE_GRACE), mock.patch.object(LocalStorage, "delete") as delete:
        assert len(sweeps.expire(by=BY).findings) == 1
    assert delete.call_count == 0
    assert [event.meta["arrived"] for event in AuditEvent.objects.filter(action="file.expired")] == [False]


def test_a_confirmation_that_is_faster_keeps_its_bytes(store: LocalStorage) -> None:
    file = arrived(picture(), expires_at=db_now() - timedelta(hours=1))
    head = LocalStorage.head

    def confirm_meanwhile(*args: Any) -> Any:
        File.objects.filter(pk=file.pk).update(state=State.UPLOADED, confirmed_at=db_now(), version=2)
        return head(*args)

    with mock.patch.object(LocalStorage, "head", confirm_meanwhile):
        assert sweeps.expire(by=BY).findings == ()
    assert store.head(Bucket.PRIVATE, file.quarantine_key) is not None
    assert (File.objects.get().state, events("file.expired")) == ("uploaded", 0)


def test_a_silent_store_leaves_the_row_for_the_next_pass() -> None:
    file = arrived(picture(), expires_at=db_now() - timedelta(hours=1))
    with mock.patch.object(LocalStorage, "head", side_effect=StorageUnavailable), pytest.raises(StorageUnavailable):
        sweeps.expire(by=BY)
    assert File.objects.get().state == "pending"
    with mock.patch.object(LocalStorage, "delete", side_effect=StorageUnavailable):
        assert found(sweeps.expire(by=BY)) == [("overdue", str(file.pk), "expired")]


def test_a_pass_is_capped_and_the_next_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "ROWS_A_PASS", 2)
    files = [arrived(picture(), expires_at=db_now() - timedelta(hours=1)) for _ in range(3)]
    first = sweeps.expire(by=BY, dry_run=True)
    assert (first.scanned, first.after) == (2, str(files[1].pk))
    second = sweeps.expire(by=BY, dry_run=True, after=first.after)
    assert (second.scanned, second.after) == (1, "")
    assert [ref for _, ref, _ in found(first) + found(second)] == [str(file.pk) for file in files]


def killed_at_the_last_attempt(file: File) -> Job:
    """What a worker leaves that is killed five times: claimed, begun, and silent ever since."""
    for _ in range(tasks.PROCESS_ATTEMPTS):
        [job] = take_due(excluding=True, limit=1)
        processing._begin(file.pk, BY)
        Job.objects.filter(pk=job.pk).update(lease_until=db_now() - timedelta(seconds=1))
    return job


def test_a_file_whose_worker_was_killed_at_the_last_attempt_fails_and_can_be_put_back() -> None:
    file = waiting(picture())
    job = killed_at_the_last_attempt(file)
    assert sweeps.fail_stuck(by=BY).findings == (), "the job is not over yet"
    assert run_due() == 0, "it is buried instead of run"
    job.refresh_from_db()
    file.refresh_from_db()
    assert (job.state, file.state) == ("dead", "processing")
    assert found(sweeps.fail_stuck(by=BY, dry_run=True)) == [("stuck", str(file.pk), "failed")]
    assert found(sweeps.fail_stuck(by=BY)) == [("stuck", str(file.pk), "failed")]
    assert sweeps.fail_stuck(by=BY).findings == ()
    file.refresh_from_db()
    assert (file.state, file.reason, events("file.failed")) == ("failed", "attempts_spent", 1)
    processing.requeue(file_id=file.pk, by=BY)
    assert Job.objects.filter(kind="uploads.process", state="new").count() == 1
    Job.objects.filter(kind="mail.alert").delete()
    run_due()
    file.refresh_from_db()
    assert (file.state, file.reason) == ("ready", "")


def test_run_again_on_the_dead_job_means_the_same() -> None:
    file = waiting(picture())
    job = killed_at_the_last_attempt(file)
    run_due()
    sweeps.fail_stuck(by=BY)
    requeue(job=job, by=BY)
    run_due()
    file.refresh_from_db()
    assert (file.state, file.reason, events("file.requeued")) == ("ready", "", 1)


def test_a_cancelled_job_leaves_no_file_behind() -> None:
    file = waiting(picture())
    cancel(job=Job.objects.get(), by=BY)
    assert found(sweeps.fail_stuck(by=BY)) == [("stuck", str(file.pk), "failed")]


def test_a_file_that_moved_on_meanwhile_is_left_alone() -> None:
    file = waiting(picture())
    Job.objects.update(state="done", finished_at=db_now())
    keys = sweeps.jobs.unfinished_keys

    def move_meanwhile(**arguments: Any) -> set[str]:
        File.objects.filter(pk=file.pk).update(version=7)
        return keys(**arguments)

    with mock.patch.object(sweeps.jobs, "unfinished_keys", move_meanwhile):
        assert sweeps.fail_stuck(by=BY).findings == ()
    assert (File.objects.get().state, events("file.failed")) == ("uploaded", 0)


def test_deleted_files_are_removed_when_their_time_has_come(store: LocalStorage) -> None:
    now = db_now()
    kept = arrived(picture(), state=State.DELETING, deleted_at=now, remove_after=now + timedelta(days=30))
    lost = arrived(picture(), state=State.DELETING, deleted_at=now)
    assert found(sweeps.remove_due(by=BY, dry_run=True)) == [(Found.UNREMOVED, str(lost.pk), "queued")]
    assert Job.objects.count() == 0
    assert found(sweeps.remove_due(by=BY)) == [(Found.UNREMOVED, str(lost.pk), "queued")]
    assert sweeps.remove_due(by=BY).findings == (), "its job is waiting"
    assert run_due() == 1
    assert [info.key for info in store.list(Bucket.PRIVATE, "", limit=9)] == [kept.quarantine_key]
    with shift(30 * 86_400 + 1):
        assert found(sweeps.remove_due(by=BY)) == [(Found.UNREMOVED, str(kept.pk), "queued")]
        assert run_due() == 1
    assert store.list(Bucket.PRIVATE, "", limit=9) == []
    assert set(File.objects.values_list("state", flat=True)) == {"deleted"}


def test_a_file_that_is_being_erased_needs_no_other_job() -> None:
    file = arrived(picture(), state=State.DELETING, deleted_at=db_now())
    enqueue(kind="uploads.delete", args={"file_id": str(file.pk), "erase": True}, by=BY, dedupe_key=f"erase:{file.pk}")
    assert sweeps.remove_due(by=BY).findings == ()
    assert Job.objects.count() == 1


def test_a_silent_store_holds_up_no_sweep_that_can_do_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    overdue = arrived(picture(), expires_at=db_now() - timedelta(hours=1))
    stuck = arrived(picture(), state=State.PROCESSING, confirmed_at=db_now())
    deleted = arrived(picture(), state=State.DELETING, deleted_at=db_now())
    monkeypatch.setattr(LocalStorage, "head", mock.Mock(side_effect=StorageUnavailable))
    run = mock.Mock(by=BY)
    with pytest.raises(StorageUnavailable):
        tasks.expire(run)
    states = {file.pk: file.state for file in File.objects.all()}
    assert states == {overdue.pk: "pending", stuck.pk: "failed", deleted.pk: "deleting"}
    assert [(job.kind, job.args["file_id"]) for job in Job.objects.exclude(kind="mail.alert")] == [
        ("uploads.delete", str(deleted.pk))
    ]


def test_the_schedule_runs_the_sweeps(store: LocalStorage) -> None:
    assert registry["uploads.expire"].every == timedelta(minutes=5)
    assert registry["uploads.reconcile"].every == timedelta(hours=1)
    assert registry["uploads.process"].queue == "media"
    assert registry["uploads.process"].time_limit > job_constants.SOFT_LIMIT_AHEAD_SECONDS
    overdue = arrived(picture(), expires_at=db_now() - timedelta(hours=1))
    stuck = arrived(picture(), state=State.PROCESSING, confirmed_at=db_now())
    Job.objects.create(kind="uploads.expire", run_at=db_now(), created_at=db_now(), max_attempts=5)
    run_due()
    states = {file.pk: file.state for file in File.objects.all()}
    assert states == {overdue.pk: "expired", stuck.pk: "failed"}
