"""The job: what becomes of a confirmed file, whatever breaks on the way."""

from typing import Any
from unittest import mock

import pytest
from django.db import connection
from django.test import Client

from audit.models import AuditEvent
from common.actor import Actor
from common.clock import shift
from idempotency.models import StoredAnswer
from jobs.actions import enqueue
from jobs.models import Job
from jobs.testing import run_due
from uploads.actions import processing
from uploads.constants import Bucket, State
from uploads.decoding import DecoderCrashedError
from uploads.errors import InvalidState, StorageUnavailable
from uploads.models import File
from uploads.storage.local import LocalStorage
from uploads.tests.factories import (
    make_user,
    path_of,
    photograph,
    picture,
    put,
    sign,
    staff_client,
    upload,
    waiting,
)
from uploads.tests.factories import (
    store as store_bytes,
)

pytestmark = pytest.mark.django_db
BY = Actor.system("tests")


def processed(file: File) -> File:
    run_due()
    file.refresh_from_db()
    return file


def served_keys(store: LocalStorage) -> list[str]:
    return [info.key for info in store.list(Bucket.PUBLIC, "", limit=100)]


def test_a_ready_file_has_the_facts_of_what_is_served(store: LocalStorage) -> None:
    content = photograph()
    file = processed(waiting(content, declared_type="image/jpeg"))
    assert (file.state, file.reason, file.version) == ("ready", "", 3)
    assert (file.observed_type, file.observed_size) == ("image/jpeg", len(content))
    assert file.observed_sha256 == file.declared_sha256
    assert (file.width, file.height) == (40, 60)
    assert file.scan_verdict == "not_scanned"
    folder = file.clean_key.removesuffix("original.jpg")
    assert served_keys(store) == [f"{folder}40.webp", f"{folder}original.jpg"]
    assert file.thumbnails == [{"width": 40, "height": 60, "key": f"{folder}40.webp"}]
    assert file.clean_size == store.path(Bucket.PUBLIC, file.clean_key).stat().st_size
    assert b"GPS" not in store.path(Bucket.PUBLIC, file.clean_key).read_bytes()
    assert store.list(Bucket.PRIVATE, "", limit=10) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (picture()[:60], "unreadable"),
        (b"\x89PNG\r\n\x1a\n<svg onload='x'/>", "unreadable"),
        (picture(kind="JPEG"), "type_mismatch"),
    ],
)
def test_bad_content_is_rejected(content: bytes, reason: str, store: LocalStorage) -> None:
    file = processed(waiting(content))
    assert (file.state, file.reason) == ("rejected", reason)
    assert served_keys(store) == []
    assert store.list(Bucket.PRIVATE, "", limit=10) == []
    assert Job.objects.get().state == "done"
    assert AuditEvent.objects.filter(action="file.rejected", reason=reason).count() == 1


def test_bytes_that_changed_after_confirm_are_rejected(store: LocalStorage) -> None:
    file = waiting(picture())
    store_bytes(file, picture(color=(0, 0, 0)))
    assert processed(file).reason == "object_changed"
    assert served_keys(store) == []


def test_bytes_with_another_checksum_are_rejected(store: LocalStorage) -> None:
    content = picture()
    file = processed(waiting(content, declared_sha256="0" * 64))
    assert (file.state, file.reason) == ("rejected", "checksum_mismatch")
    assert served_keys(store) == []


def test_a_lost_object_is_our_fault() -> None:
    file = waiting(picture())
    sweeps_storage = LocalStorage
    with mock.patch.object(sweeps_storage, "_opened", side_effect=processing.ObjectMissingError):
        file = processed(file)
    assert (file.state, file.reason) == ("failed", "object_missing")


def test_the_right_is_asked_for_again() -> None:
    user = make_user("add_file")
    file = waiting(picture(), owner_kind="staff", owner_id=str(user.pk))
    user.is_active = False
    user.save()
    assert processed(file).reason == "no_longer_allowed"


def test_a_worker_that_died_is_followed_by_one_that_writes_to_the_same_place(store: LocalStorage) -> None:
    file = waiting(picture())
    with mock.patch.object(processing, "_finish", side_effect=DecoderCrashedError("killed")):
        assert processed(file).state == "processing"
    after_crash = served_keys(store)
    assert len(after_crash) == 2
    with shift(3600):
        file = processed(file)
    assert file.state == "ready"
    assert served_keys(store) == after_crash
    assert Job.objects.get().attempts == 2


def test_after_the_last_attempt_staff_can_start_again(store: LocalStorage) -> None:
    file = waiting(picture())
    with mock.patch.object(LocalStorage, "get", side_effect=StorageUnavailable):
        for hours in range(1, 6):
            with shift(hours * 8 * 3600):
                run_due()
    file.refresh_from_db()
    assert (file.state, file.reason) == ("failed", "attempts_spent")
    assert Job.objects.get(kind="uploads.process").state == "dead"
    processing.requeue(file_id=file.pk, by=BY)
    assert processed(file).state == "ready"
    assert AuditEvent.objects.filter(action="file.requeued").count() == 1
    with pytest.raises(InvalidState):
        processing.requeue(file_id=file.pk, by=BY)


def test_a_file_deleted_while_it_is_processed_leaves_nothing(store: LocalStorage) -> None:
    file = waiting(picture())
    publish = processing.publish_objects

    def delete_meanwhile(*args: Any) -> None:
        publish(*args)
        File.objects.filter(pk=file.pk).update(state=State.DELETING, version=9)

    with mock.patch.object(processing, "publish_objects", delete_meanwhile):
        assert processed(file).state == "deleting"
    assert served_keys(store) == []
    assert Job.objects.get().state == "done"


def test_processing_twice_does_nothing_the_second_time(store: LocalStorage) -> None:
    file = processed(waiting(picture()))
    enqueue(kind="uploads.process", args={"file_id": str(file.pk)}, by=BY)
    assert processed(file).version == 3
    assert AuditEvent.objects.filter(action="file.ready").count() == 1


def test_what_is_served_does_not_change_when_the_quarantine_is_written_again(store: LocalStorage) -> None:
    client, content = staff_client(), picture()
    signed = sign(client, content)
    put(signed["upload"], content)
    client.post("/api/uploads/confirm", {"file_id": signed["file_id"]})
    run_due()
    file = File.objects.get()
    before = store.path(Bucket.PUBLIC, file.clean_key).read_bytes()
    assert put(signed["upload"], content).status_code == 200  # the URL lives on, and its key is empty again
    assert run_due() == 0
    assert store.path(Bucket.PUBLIC, file.clean_key).read_bytes() == before
    shown = client.get(f"/api/files/{file.pk}").json()
    served = Client().get(path_of(shown["thumbnails"][0]["url"]))
    assert b"".join(served.streaming_content).startswith(b"RIFF")


def test_no_url_and_no_signature_is_stored_anywhere() -> None:
    client, content = staff_client(), picture()
    token = sign(client, content)["upload"]["url"].rsplit("/", 1)[1]
    upload(client, content)
    run_due()
    with connection.cursor() as cursor:
        for table in (model._meta.db_table for model in (AuditEvent, Job, StoredAnswer, File)):
            cursor.execute(f"SELECT count(*) FROM {table} t WHERE strpos(t::text, %s) > 0", [token])
            assert cursor.fetchone() == (0,)
