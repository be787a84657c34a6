"""Workers that are killed in the middle of a file, as processes of their own: what they leave, and what follows."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as project
from django.db import connection
from django.db.models import F

from audit.models import AuditEvent
from common.actor import Actor
from common.clock import db_now, shift
from jobs.models import Job
from jobs.testing import run_due
from uploads import workspace
from uploads.actions import processing, storekeeping, sweeps
from uploads.constants import Bucket
from uploads.models import File
from uploads.storage.local import LocalStorage
from uploads.tests.factories import picture, waiting

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]
BY = Actor.system("tests")
ROOT = Path(__file__).parents[2]
SECRETS = ("SECRET_KEY", "FIELD_KEY", "JWT_REFRESH_SECRET", "JWT_SECRET")


def run_worker(store: LocalStorage, point: str, folder: Path) -> int:
    """Run one job in a process of its own; its return code."""
    database = connection.settings_dict
    address = f"{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    environment = {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(folder),
        "DJANGO_ENV": "test",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": f"postgresql://{address}",
        "STORAGE": "local",
        "MEDIA_ROOT": str(store.root),
        "PUBLIC_URL": project.PUBLIC_URL,
        **{name: os.environ[name] for name in SECRETS},
    }
    ran = subprocess.run(
        [sys.executable, "-m", "uploads.tests.dying_worker", point],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.returncode in {0, -signal.SIGKILL}, ran.stderr[-2000:]
    return ran.returncode


def end_lease() -> None:
    Job.objects.filter(kind="uploads.process").update(lease_until=db_now() - timedelta(seconds=1))


def everything(store: LocalStorage) -> list[str]:
    return sorted(info.key for bucket in Bucket for info in store.list(bucket, "", limit=100))


def require_whole(store: LocalStorage, file: File) -> None:
    """One clean object with its thumbnails, ready, and after the sweeps nothing else in any bucket."""
    file.refresh_from_db()
    assert (file.state, file.reason) == ("ready", "")
    with shift(25 * 3600):
        storekeeping.reconcile(by=BY, dry_run=False, progress=lambda name, count: None)
    file.refresh_from_db()
    assert file.state == "ready"
    assert everything(store) == sorted([file.clean_key, *(one["key"] for one in file.thumbnails)])
    assert len(everything(store)) == 4
    assert AuditEvent.objects.filter(action="file.ready").count() == 1
    assert list(Job.objects.filter(kind="uploads.process").values_list("state", flat=True)) == ["done"]


@pytest.mark.parametrize("point", ["fetched", "decoding", "first_put", "published", "recorded", "finished"])
def test_a_killed_worker_is_followed_by_one_clean_object(store: LocalStorage, tmp_path: Path, point: str) -> None:
    file = waiting(picture((900, 600)))
    assert run_worker(store, point, tmp_path) == -signal.SIGKILL
    file.refresh_from_db()
    assert file.state == ("ready" if point == "finished" else "processing")
    reserved = file.clean_key
    assert run_due() == 0, "its lease still stands"
    end_lease()
    run_due()
    require_whole(store, file)
    assert file.clean_key == reserved


def test_killed_at_its_last_attempt_it_fails_and_staff_put_it_back(store: LocalStorage, tmp_path: Path) -> None:
    file = waiting(picture((900, 600)))
    Job.objects.update(attempts=F("max_attempts") - 1)
    assert run_worker(store, "published", tmp_path) == -signal.SIGKILL
    end_lease()
    run_due()
    file.refresh_from_db()
    assert (Job.objects.get(kind="uploads.process").state, file.state) == ("dead", "processing")
    sweeps.fail_stuck(by=BY)
    file.refresh_from_db()
    assert (file.state, file.reason) == ("failed", "attempts_spent")
    Job.objects.filter(kind="uploads.process").delete()
    processing.requeue(file_id=file.pk, by=BY)
    assert run_worker(store, "never", tmp_path) == 0
    require_whole(store, file)


def test_a_slow_worker_leaves_what_another_made_ready(store: LocalStorage) -> None:
    file = waiting(picture((900, 600)))
    publish = processing.publish_objects

    def overtaken(*args: object) -> None:
        publish(*args)  # type: ignore[arg-type]
        processing.publish_objects = publish
        end_lease()
        assert run_due() == 1

    processing.publish_objects = overtaken  # type: ignore[assignment]
    try:
        assert run_due() == 1
    finally:
        processing.publish_objects = publish
    require_whole(store, file)


def test_folders_of_killed_workers_go_after_a_day(
    store: LocalStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(picture())
    assert run_worker(store, "fetched", tmp_path) == -signal.SIGKILL
    [left] = tmp_path.glob(f"{workspace.PREFIX}*")
    assert (left.stat().st_mode & 0o777, (left / "source").is_file()) == (0o700, True)
    monkeypatch.setattr(workspace.tempfile, "tempdir", str(tmp_path))
    with workspace.workspace():
        assert left.exists(), "somebody may be at work in it"
    yesterday = time.time() - workspace.LEFT_BEHIND_SECONDS - 1
    os.utime(left, (yesterday, yesterday))
    with workspace.workspace() as own:
        assert own.parent == tmp_path
        assert not left.exists()
    assert not own.exists()
