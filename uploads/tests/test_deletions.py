"""What becomes of rows and objects: of one file, of a booking's files, and of a person's."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from audit.models import AuditEvent
from common.actor import Actor
from common.clock import shift
from jobs.models import Job
from jobs.testing import run_due
from uploads import ports
from uploads.actions import deletions
from uploads.constants import Bucket, State
from uploads.models import File
from uploads.storage.local import LocalStorage
from uploads.tests.factories import Bookings, customer_client, pdf, picture, sign, upload

pytestmark = pytest.mark.django_db
BY = Actor.system("test")
BOOKING = uuid.UUID(int=7)
PDF = {"content_type": "application/pdf", "filename": "brief.pdf"}
DAY = 24 * 60 * 60


@pytest.fixture
def attached(bookings: Bookings) -> list[str]:
    """Files of a booking: one ready, one rejected, one that waits for its bytes, one that never came."""
    client, target = customer_client(BOOKING), {"purpose": "booking_attachment", "booking_id": str(BOOKING)}
    first = upload(client, pdf(), **PDF, **target).json()["id"]
    run_due()
    assert upload(client, b"<html>", **target).status_code == 422
    waiting, never = (sign(client, picture(), **target)["file_id"] for _ in range(2))
    File.objects.filter(pk=never).update(state=State.EXPIRED)
    rejected = str(File.objects.get(state=State.REJECTED).pk)
    return [first, rejected, waiting, never]


def states(ids: list[str]) -> list[str]:
    return [File.objects.get(pk=one).state for one in ids]


def withdraw() -> int:
    with transaction.atomic():
        return deletions.withdraw_files_of(target_kind="booking", target_id=BOOKING, by=BY)


def erase() -> int:
    with transaction.atomic():
        return deletions.erase_files_of(target_kind="booking", target_id=BOOKING, by=BY)


def test_files_of_a_deleted_booking_are_kept_for_thirty_days(attached: list[str], store: LocalStorage) -> None:
    clean = File.objects.get(pk=attached[0]).clean_key
    before = Job.objects.count()
    assert withdraw() == 3
    assert states(attached) == ["deleting", "deleting", "deleting", "expired"]
    for file in File.objects.filter(state=State.DELETING):
        assert file.remove_after - file.deleted_at == timedelta(days=30)  # type: ignore[operator]
    assert Job.objects.count() == before + 3
    assert customer_client(BOOKING).get(f"/api/files/{attached[0]}").status_code == 404
    assert withdraw() == 0

    with shift(30 * DAY - 60):
        assert run_due() == 0
        assert store.head(Bucket.PRIVATE, clean) is not None
    with shift(30 * DAY + 60):
        assert run_due() == 3
    assert store.head(Bucket.PRIVATE, clean) is None
    assert states(attached) == ["deleted", "deleted", "deleted", "expired"]
    actions = AuditEvent.objects.filter(action__in=["file.deleting", "file.deleted"])
    assert sorted(actions.values_list("action", flat=True)) == ["file.deleted"] * 3 + ["file.deleting"] * 3


def test_nothing_is_asked_of_the_store_meanwhile(attached: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise AssertionError("The store was asked.")

    for name in ("delete", "list", "head"):
        monkeypatch.setattr(LocalStorage, name, away)
    assert withdraw() == 3
    assert erase() == 4


def test_a_file_that_content_shows_outlives_its_target(attached: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_uses", [lambda file_id: str(file_id) == attached[0]])
    assert withdraw() == 2
    assert states(attached) == ["ready", "deleting", "deleting", "expired"]


@pytest.mark.parametrize("withdrawn_first", [False, True])
def test_an_erased_person_leaves_neither_objects_nor_rows(
    attached: list[str], store: LocalStorage, withdrawn_first: bool
) -> None:
    if withdrawn_first:
        assert withdraw() == 3
    assert erase() == 4
    run_due()
    assert not File.objects.exists()
    assert store.list(Bucket.PRIVATE, "", limit=10) == []
    assert AuditEvent.objects.filter(action="file.erased", target_label="").count() == 4
    with shift(31 * DAY):
        run_due()
    assert not Job.objects.exclude(state="done").exists()


@pytest.mark.parametrize("withdrawn_first", [False, True])
def test_erasing_takes_the_names_at_once(attached: list[str], withdrawn_first: bool) -> None:
    if withdrawn_first:
        withdraw()
    erase()
    assert list(File.objects.values_list("name", "blur_data_url")) == [("", "")] * 4


def test_a_deleted_file_goes_at_once(attached: list[str], store: LocalStorage) -> None:
    client = customer_client(BOOKING)
    assert client.delete(f"/api/files/{attached[0]}").status_code == 202
    file = File.objects.get(pk=attached[0])
    assert file.remove_after == file.deleted_at
    assert run_due() == 1
    assert store.list(Bucket.PRIVATE, "files/", limit=10) == []
    assert states(attached)[0] == "deleted"


def test_a_file_deleted_while_it_waits_takes_no_bytes_any_more(bookings: Bookings, store: LocalStorage) -> None:
    client = customer_client(BOOKING)
    target = {"purpose": "booking_attachment", "booking_id": str(BOOKING)}
    signed = sign(client, picture(), **target)
    assert client.delete(f"/api/files/{signed['file_id']}").status_code == 202
    assert client.post("/api/uploads/confirm", {"file_id": signed["file_id"]}).status_code == 404
    run_due()
    assert states([signed["file_id"]]) == ["deleted"]
