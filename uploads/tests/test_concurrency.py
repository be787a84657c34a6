"""Requests at once, each over a connection of its own: limits are exact, and things happen once."""

import threading
from collections import Counter
from collections.abc import Callable
from copy import copy
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
from django.db import transaction

from audit.models import AuditEvent
from common.actor import Actor
from common.errors import NotFound
from common.tests.racing import at_once
from jobs.models import Job
from uploads.actions import confirmations, deletions, signatures
from uploads.constants import State
from uploads.locks import StateChangedError, transition
from uploads.models import File
from uploads.tests.factories import claim, make_user, picture, put, sign, staff_client

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.concurrency]
AT_ONCE = 20
PERMISSIONS = ("add_file", "view_file", "delete_file")


def meeting(function: Callable[..., Any], callers: int) -> Callable[..., Any]:
    """Make the callers of `function` wait for each other once they have its result."""
    barrier = threading.Barrier(callers)

    def inner(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        barrier.wait(30)
        return result

    return inner


def confirm(user: Any, file_id: str) -> Callable[[], int]:
    return lambda: staff_client(user=user).post("/api/uploads/confirm", {"file_id": file_id}).status_code


def ask(user: Any, body: dict[str, Any], **headers: str) -> Callable[[], tuple[int, str]]:
    def call() -> tuple[int, str]:
        answer = staff_client(user=user).post("/api/uploads/sign", body, headers=headers or None)
        return answer.status_code, answer.json().get("code", "")

    return call


@pytest.fixture
def user() -> Any:
    return make_user(*PERMISSIONS)


@pytest.fixture
def arrived(user: Any) -> str:
    """A file whose bytes wait for their confirmation."""
    content = picture()
    signed = sign(staff_client(user=user), content)
    assert put(signed["upload"], content).status_code == 200
    return str(signed["file_id"])


def test_twenty_confirms_make_one_job_and_one_event(user: Any, arrived: str) -> None:
    with mock.patch.object(confirmations, "_observe", meeting(confirmations._observe, AT_ONCE)):
        assert at_once(*[confirm(user, arrived)] * AT_ONCE) == [200] * AT_ONCE
    assert Job.objects.filter(kind="uploads.process").count() == 1
    assert AuditEvent.objects.filter(action="file.confirmed", target_id=arrived).count() == 1
    assert File.objects.get(pk=UUID(arrived)).version == 2


def test_a_read_that_does_not_lock_shows_the_fault(user: Any, arrived: str) -> None:
    """The control: four that all saw `pending` are one winner and three that run into the moved version."""
    unlocked = meeting(lambda wanted: File.objects.get(pk=wanted), 4)
    with mock.patch.object(confirmations, "locked_file", unlocked):
        found = at_once(*[lambda: confirmations.confirm(file_id=UUID(arrived), by=Actor.staff(user))] * 4)
    assert sorted(type(one).__name__ for one in found) == ["File"] + ["StateChangedError"] * 3
    assert Job.objects.filter(kind="uploads.process").count() == 1


def test_twenty_confirms_of_a_false_picture_reject_it_once(user: Any) -> None:
    content = b"<html>" * 10
    signed = sign(staff_client(user=user), content)
    put(signed["upload"], content)
    with mock.patch.object(confirmations, "rights", mock.Mock(require_attach=meeting(lambda **_: None, AT_ONCE))):
        found = Counter(at_once(*[confirm(user, signed["file_id"])] * AT_ONCE))
    assert set(found) <= {422, 409}
    assert found[422] >= 1
    assert AuditEvent.objects.filter(action="file.rejected").count() == 1
    assert (File.objects.get().state, Job.objects.count()) == ("rejected", 0)


def test_the_last_places_are_given_once(user: Any) -> None:
    for _ in range(15):
        sign(staff_client(user=user), picture())
    found = Counter(at_once(*[ask(user, claim(picture()))] * AT_ONCE))
    assert found == {(201, ""): 5, (429, "too_many_pending"): 15}
    assert File.objects.filter(state="pending").count() == 20
    assert AuditEvent.objects.filter(action="file.signed").count() == 20


def test_the_last_bytes_are_given_once(user: Any, settings: Any) -> None:
    settings.UPLOAD_MAX_OWNER_BYTES = 7 * len(picture())
    found = Counter(at_once(*[ask(user, claim(picture()))] * AT_ONCE))
    assert found == {(201, ""): 7, (429, "quota_exceeded"): 13}
    assert File.objects.count() == 7


def test_without_the_lock_of_the_owner_the_limit_gives_way(user: Any, settings: Any) -> None:
    """The control: whoever counts before the others have written counts too little."""
    settings.UPLOAD_MAX_PENDING = 1
    counted = meeting(signatures.quotas.require_room, 4)
    with (
        mock.patch.object(signatures, "lock_owner"),
        mock.patch.object(signatures.quotas, "require_room", counted),
    ):
        assert Counter(at_once(*[ask(user, claim(picture()))] * 4)) == {(201, ""): 4}
    assert File.objects.count() == 4


def test_owners_do_not_wait_for_each_other(settings: Any) -> None:
    settings.UPLOAD_MAX_PENDING = 1
    people = [make_user(*PERMISSIONS) for _ in range(8)]
    assert at_once(*[ask(one, claim(picture())) for one in people]) == [(201, "")] * 8


def test_one_key_signs_one_file(user: Any) -> None:
    body = claim(picture())
    call = ask(user, body, **{"Idempotency-Key": "6f1c0d9e-2b0b-4f2c-9a0e-0c4f7f3f9a55"})
    found = Counter(at_once(*[call] * 8))
    assert set(found) <= {(201, ""), (409, "request_in_progress")}
    assert found[(201, "")] >= 1
    assert File.objects.count() == 1
    assert call() == (201, "")


def test_a_confirm_and_a_delete_leave_one_story(user: Any, arrived: str) -> None:
    by, file_id = Actor.staff(user), UUID(arrived)

    def confirming() -> str:
        return confirmations.confirm(file_id=file_id, by=by).state

    def deleting() -> str:
        return deletions.delete(file_id=file_id, by=by).state

    first, second = at_once(confirming, deleting)
    assert second == "deleting"
    assert first == "uploaded" or isinstance(first, NotFound)
    file = File.objects.get()
    assert (file.state, file.version) == ("deleting", 3 if first == "uploaded" else 2)


def test_eight_deletes_are_one(user: Any, arrived: str) -> None:
    def call() -> int:
        return staff_client(user=user).delete(f"/api/files/{arrived}").status_code

    assert set(at_once(*[call] * 8)) <= {202, 404}
    assert AuditEvent.objects.filter(action="file.deleting").count() == 1
    assert Job.objects.filter(kind="uploads.delete").count() == 1


def test_one_of_many_moves_wins(arrived: str) -> None:
    def move() -> str:
        with transaction.atomic():
            return transition(copy(seen), State.EXPIRED).state

    seen = File.objects.get(pk=UUID(arrived))
    found = at_once(*[move] * 8)
    assert found.count(State.EXPIRED) == 1
    assert sum(isinstance(one, StateChangedError) for one in found) == 7
    assert File.objects.get().version == 2
