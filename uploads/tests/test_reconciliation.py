"""Objects without rows and rows without objects."""

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from common.actor import Actor
from common.clock import db_now, shift
from jobs.models import Job
from jobs.testing import run_due
from uploads.actions import ingest, reconciliation, storekeeping
from uploads.constants import Bucket, State
from uploads.errors import StorageUnavailable
from uploads.models import File, StrayObject
from uploads.storage import PartialUpload
from uploads.storage.local import LocalStorage
from uploads.tests.factories import arrived, picture, waiting

pytestmark = pytest.mark.django_db
BY = Actor.system("tests")
HOUR, DAY = 3600, 86_400


def ready(**changes: Any) -> File:
    given = {"content": picture(), "filename": "a.png", "content_type": "image/png", "purpose": "image", "by": BY}
    return ingest(**given | changes)


def stray(store: LocalStorage, key: str = "files/0000/original.png", bucket: Bucket = Bucket.PUBLIC) -> str:
    source = Path(store.root) / "source"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(b"x")
    store.put(bucket, key, source, content_type="image/png")
    return key


def found(one: Any) -> list[tuple[str, str, str, bool]]:
    return [(finding.kind.value, finding.ref, finding.action, finding.is_open) for finding in one.findings]


def keys(store: LocalStorage, bucket: Bucket = Bucket.PUBLIC) -> list[str]:
    return [info.key for info in store.list(bucket, "", limit=100)]


def test_the_quarantine_is_cleared_of_what_nobody_needs(store: LocalStorage) -> None:
    needed, useless = waiting(picture()), arrived(picture(), state=State.EXPIRED)
    assert reconciliation.clear_quarantine(by=BY).findings == ()
    with shift(25 * HOUR):
        wanted = [("leftover", useless.quarantine_key, "deleted", False)]
        assert found(reconciliation.clear_quarantine(by=BY, dry_run=True)) == wanted
        assert store.head(Bucket.PRIVATE, useless.quarantine_key) is not None
        assert found(reconciliation.clear_quarantine(by=BY)) == wanted
        assert reconciliation.clear_quarantine(by=BY).findings == ()
    assert keys(store, Bucket.PRIVATE) == [needed.quarantine_key]


def test_a_stray_is_reported_for_a_week_and_then_deleted(store: LocalStorage) -> None:
    file, key = ready(), stray(store)
    reported = [("stray", f"public/{key}", "reported", True)]
    assert reconciliation.compare_public(by=BY).findings == (), "it may be in the middle of being written"
    with shift(2 * HOUR):
        assert found(reconciliation.compare_public(by=BY, dry_run=True)) == reported
        assert StrayObject.objects.count() == 0
        assert found(reconciliation.compare_public(by=BY)) == reported
    with shift(7 * DAY):
        assert found(reconciliation.compare_public(by=BY)) == reported, "a week from the report on, not from its birth"
        assert StrayObject.objects.count() == 1
    with shift(7 * DAY + 2 * HOUR):
        deleted = [("stray", f"public/{key}", "deleted", False)]
        assert found(reconciliation.compare_public(by=BY, dry_run=True)) == deleted
        assert key in keys(store)
        assert found(reconciliation.compare_public(by=BY)) == deleted
        assert reconciliation.compare_public(by=BY).findings == ()
    assert keys(store) == sorted([file.clean_key, *(one["key"] for one in file.thumbnails)])
    assert StrayObject.objects.count() == 0
    [event] = AuditEvent.objects.filter(action="file.strays_deleted")
    assert (event.target_id, event.meta) == ("public", {"count": 1, "first": key, "last": key})


def test_a_stray_that_a_row_claims_again_is_forgotten(store: LocalStorage) -> None:
    file = ready()
    File.objects.filter(pk=file.pk).update(state=State.DELETED, deleted_at=db_now())
    with shift(2 * HOUR):
        assert len(reconciliation.compare_public(by=BY).findings) == 2
        File.objects.filter(pk=file.pk).update(state=State.READY)
        assert reconciliation.compare_public(by=BY).findings == ()
    assert StrayObject.objects.count() == 0


def test_what_a_ready_file_does_not_name_is_a_stray(store: LocalStorage) -> None:
    file = ready()
    extra = stray(store, file.clean_key.replace("original.png", "1600.webp"))
    with shift(2 * HOUR):
        assert found(reconciliation.compare_public(by=BY)) == [("stray", f"public/{extra}", "reported", True)]


@pytest.mark.parametrize("state", ["processing", "failed", "deleting"])
def test_a_file_on_its_way_owns_its_folder(store: LocalStorage, state: str) -> None:
    reason = "attempts_spent" if state == "failed" else ""
    arrived(picture(), state=state, reason=reason, confirmed_at=db_now(), clean_key="files/0000/original.png")
    stray(store, "files/0000/320.webp")
    with shift(2 * HOUR):
        assert reconciliation.compare_public(by=BY).findings == ()


def test_a_ready_file_without_its_object_is_missing_and_tells_people(store: LocalStorage) -> None:
    file, whole = ready(), ready()
    store.delete(Bucket.PUBLIC, file.clean_key)
    wanted = [("missing", str(file.pk), "marked", True)]
    assert found(reconciliation.compare_public(by=BY, dry_run=True)) == wanted
    assert set(File.objects.values_list("state", flat=True)) == {"ready"}
    assert found(reconciliation.compare_public(by=BY)) == wanted
    assert reconciliation.compare_public(by=BY).findings == ()
    file.refresh_from_db()
    whole.refresh_from_db()
    assert (file.state, whole.state) == ("missing", "ready")
    assert AuditEvent.objects.filter(action="file.missing", target_id=str(file.pk)).count() == 1
    [alert] = Job.objects.filter(kind="mail.alert")
    assert alert.args["code"] == "file_missing"
    assert alert.args["path"] == f"/admin/uploads/file/{file.pk}/change/"


def test_a_missing_file_whose_object_is_back_is_ready_again(store: LocalStorage) -> None:
    file = ready()
    path = store.path(Bucket.PUBLIC, file.clean_key)
    aside = path.rename(path.with_name("aside"))
    reconciliation.compare_public(by=BY)
    assert found(reconciliation.find_again(by=BY)) == [("missing", str(file.pk), "still missing", True)]
    aside.rename(path)
    wanted = [("back", str(file.pk), "made ready", False)]
    assert found(reconciliation.find_again(by=BY, dry_run=True)) == wanted
    assert found(reconciliation.find_again(by=BY)) == wanted
    file.refresh_from_db()
    assert file.state == "ready"
    assert AuditEvent.objects.filter(action="file.found").count() == 1


def test_a_ready_file_without_one_of_its_thumbnails_is_missing_until_all_objects_are_back(store: LocalStorage) -> None:
    file = ready(content=picture((700, 500)))
    paths = [store.path(Bucket.PUBLIC, one["key"]) for one in file.thumbnails]
    assert len(paths) == 2
    aside = paths[1].rename(paths[1].with_name("aside"))
    wanted = [("missing", str(file.pk), "marked", True)]
    assert found(reconciliation.compare_public(by=BY, dry_run=True)) == wanted
    assert found(reconciliation.compare_public(by=BY)) == wanted
    assert [job.args["code"] for job in Job.objects.filter(kind="mail.alert")] == ["file_missing"]
    assert found(reconciliation.find_again(by=BY)) == [("missing", str(file.pk), "still missing", True)]
    file.refresh_from_db()
    assert file.state == "missing"
    aside.rename(paths[1])
    assert found(reconciliation.find_again(by=BY)) == [("back", str(file.pk), "made ready", False)]
    file.refresh_from_db()
    assert file.state == "ready"
    assert reconciliation.compare_public(by=BY).findings == ()


def test_what_is_left_of_a_missing_file_is_no_stray(store: LocalStorage) -> None:
    file = ready()
    store.delete(Bucket.PUBLIC, file.thumbnails[0]["key"])
    reconciliation.compare_public(by=BY)
    with shift(2 * HOUR):
        assert reconciliation.compare_public(by=BY).findings == ()
    assert keys(store) == [file.clean_key]


@pytest.mark.parametrize("objects_a_pass", [1, 2, 3])
def test_a_folder_on_two_pages_is_whole_and_its_lost_thumbnail_is_found(
    store: LocalStorage, monkeypatch: pytest.MonkeyPatch, objects_a_pass: int
) -> None:
    monkeypatch.setattr(reconciliation, "OBJECTS_A_PASS", objects_a_pass)
    files = [ready(content=picture((700, 500))) for _ in range(3)]
    store.delete(Bucket.PUBLIC, files[1].thumbnails[0]["key"])
    report = storekeeping.reconcile(by=BY, dry_run=False, progress=lambda name, count: None)
    assert [finding.ref for finding in report.findings] == [str(files[1].pk)]
    assert list(File.objects.filter(state="missing")) == [files[1]]


def test_an_object_that_arrives_during_the_comparison_is_not_missed(store: LocalStorage) -> None:
    file = ready()
    with mock.patch.object(LocalStorage, "list", return_value=[]):
        assert reconciliation.compare_public(by=BY).findings == ()
    file.refresh_from_db()
    assert file.state == "ready"


def test_very_many_missing_files_mean_a_wrong_store_and_are_left_alone(
    store: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "MOST_MISSING", 2)
    for file in [ready() for _ in range(3)]:
        store.delete(Bucket.PUBLIC, file.clean_key)
    for _ in range(2):
        one = reconciliation.compare_public(by=BY)
        assert found(one) == [("missing", "public bucket", "more than 2: reported", True)]
    assert set(File.objects.values_list("state", flat=True)) == {"ready"}
    assert [job.args["code"] for job in Job.objects.filter(kind="mail.alert")] == ["files_missing_at_once"]


@pytest.mark.parametrize("objects_a_pass", [1, 2, 3])
def test_pages_of_any_size_find_the_same(
    store: LocalStorage, monkeypatch: pytest.MonkeyPatch, objects_a_pass: int
) -> None:
    monkeypatch.setattr(reconciliation, "OBJECTS_A_PASS", objects_a_pass)
    files = sorted((ready() for _ in range(4)), key=lambda file: file.clean_key)
    lost = {str(files[0].pk), str(files[2].pk), str(files[3].pk)}
    for file in (files[0], files[2], files[3]):
        store.delete(Bucket.PUBLIC, file.clean_key)
    extra = stray(store, "files/zz/original.png")
    with shift(2 * HOUR):
        report = storekeeping.reconcile(by=BY, dry_run=False, progress=lambda name, count: None)
    assert {finding.ref for finding in report.findings} == lost | {f"public/{extra}"}
    assert report.scanned["public"] == 6
    assert File.objects.filter(state="missing").count() == 3


def test_the_hourly_job_goes_through_all_pages(store: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciliation, "OBJECTS_A_PASS", 2)
    files = [ready() for _ in range(3)]
    store.delete(Bucket.PUBLIC, max(file.clean_key for file in files))
    Job.objects.create(kind="uploads.reconcile", run_at=db_now(), created_at=db_now(), max_attempts=5)
    run_due()
    assert File.objects.filter(state="missing").count() == 1
    passes = Job.objects.filter(kind="uploads.sweep", args__name="public")
    assert [job.state for job in passes] == ["done"] * 3
    assert not Job.objects.filter(kind__startswith="uploads").exclude(state="done").exists()


def test_uploads_in_parts_are_given_up_after_a_day() -> None:
    old = PartialUpload("quarantine/a", "1", db_now() - timedelta(hours=25))
    young = PartialUpload("quarantine/b", "2", db_now() - timedelta(hours=23))
    listed = mock.patch.object(LocalStorage, "partial_uploads", side_effect=[[old, young], [], []] * 2)
    with listed, mock.patch.object(LocalStorage, "abort") as abort:
        wanted = [("partial", "private/quarantine/a", "aborted", False)]
        assert found(reconciliation.abort_partial(by=BY, dry_run=True)) == wanted
        assert abort.call_count == 0
        assert found(reconciliation.abort_partial(by=BY)) == wanted
        abort.assert_called_once_with(Bucket.PRIVATE, old)


def test_without_a_store_nothing_is_swept(settings: Any) -> None:
    arrived(picture(), expires_at=db_now() - timedelta(hours=1))
    settings.STORAGE = "none"
    report = storekeeping.reconcile(by=BY, dry_run=False, progress=lambda name, count: None)
    assert (report.findings, report.errors) == ([], [])


def reconcile(*flags: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("reconcile_storage", *flags, stdout=out, stderr=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def test_the_command_says_the_verdict_first(store: LocalStorage) -> None:
    ready()
    assert reconcile()[0] == 0
    assert reconcile()[1].startswith("In sync: nothing to do.\nLooked at: unconfirmed 0, ")
    overdue = arrived(picture(), expires_at=db_now() - timedelta(hours=1))
    code, text = reconcile("--dry-run")
    assert (code, text.splitlines()[0]) == (3, "Drift: 1 finding; nothing was changed (--dry-run).")
    assert f"  signed, never confirmed: {overdue.pk}: expired" in text
    assert File.objects.get(pk=overdue.pk).state == "pending"
    code, text = reconcile()
    assert (code, text.splitlines()[0]) == (0, "Repaired: 1 finding put right; nothing is left to do.")
    stray(store)
    with shift(2 * HOUR):
        code, text = reconcile()
    assert (code, text.splitlines()[0]) == (3, "Drift: 1 finding left, 0 findings put right.")


def test_the_commands_json(store: LocalStorage) -> None:
    key = stray(store)
    with shift(2 * HOUR):
        code, text = reconcile("--json")
    answer = json.loads(text)
    assert (code, answer["verdict"], answer["dry_run"], answer["repaired"]) == (3, "drift", False, 0)
    assert answer["findings"] == [{"kind": "stray", "ref": f"public/{key}", "action": "reported", "open": True}]
    assert answer["scanned"] == {
        "unconfirmed": 0,
        "stuck": 0,
        "removals": 0,
        "quarantine": 0,
        "partial": 0,
        "missing": 0,
        "private": 0,
        "public": 1,
    }


def test_the_command_with_a_silent_store_or_none(settings: Any) -> None:
    with mock.patch.object(LocalStorage, "list", side_effect=StorageUnavailable):
        code, text = reconcile()
    assert (code, text.splitlines()[0]) == (4, "Incomplete: the store did not answer everything; run it again.")
    assert text.splitlines()[2:] == [
        "  error quarantine: storage_unavailable",
        "  error private: storage_unavailable",
        "  error public: storage_unavailable",
    ]
    settings.STORAGE = "none"
    assert reconcile() == (4, "No store is configured: set S3_BUCKET_NAME, or STORAGE=local.\n")
    with pytest.raises(CommandError):
        call_command("reconcile_storage", "--nonsense")
