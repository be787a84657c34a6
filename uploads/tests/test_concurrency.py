"""Confirms at once, over several connections."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
from django.db import connection

from audit.models import AuditEvent
from jobs.models import Job
from uploads.actions import confirmations
from uploads.models import File
from uploads.tests.factories import make_user, picture, put, sign, staff_client

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.concurrency]
CONFIRMS, THREADS = 20, 4


def meeting(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make the first callers of `function` wait for each other once they have its result."""
    barrier = Barrier(THREADS)

    def inner(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        with suppress(BrokenBarrierError):
            barrier.wait(timeout=1)
        return result

    return inner


def confirm_at_once(user: Any, file_id: str) -> list[int]:
    """The statuses of twenty confirms in four threads, each with its own connection."""

    def one(_: int) -> int:
        try:
            return staff_client(user=user).post("/api/uploads/confirm", {"file_id": file_id}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(CONFIRMS)))


@pytest.fixture
def ready_to_confirm() -> tuple[Any, str]:
    user, content = make_user("add_file"), picture()
    signed = sign(staff_client(user=user), content)
    assert put(signed["upload"], content).status_code == 200
    return user, signed["file_id"]


def test_twenty_confirms_make_one_job_and_one_event(ready_to_confirm: tuple[Any, str]) -> None:
    user, file_id = ready_to_confirm
    with mock.patch.object(confirmations, "_observe", meeting(confirmations._observe)):
        assert confirm_at_once(user, file_id) == [200] * CONFIRMS
    assert Job.objects.filter(kind="uploads.process").count() == 1
    assert AuditEvent.objects.filter(action="file.confirmed", target_id=file_id).count() == 1
    assert File.objects.get(pk=UUID(file_id)).version == 2


def test_a_read_that_does_not_lock_shows_the_fault(ready_to_confirm: tuple[Any, str]) -> None:
    """The control: four that all saw `pending` are one winner and three that run into the moved version."""
    user, file_id = ready_to_confirm
    unlocked = meeting(lambda wanted: File.objects.get(pk=wanted))
    with mock.patch.object(confirmations, "locked_file", unlocked):
        statuses = confirm_at_once(user, file_id)
    assert statuses.count(500) == THREADS - 1
    assert Job.objects.filter(kind="uploads.process").count() == 1
