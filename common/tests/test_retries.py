"""A deadlock is survived once; without the decorator one of the two is lost."""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected, SerializationFailure

from common.retries import once_more

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.concurrency]


def conflict(kind: type[Exception]) -> OperationalError:
    fault = OperationalError("given up")
    fault.__cause__ = kind("given up")
    return fault


@pytest.mark.parametrize("kind", [DeadlockDetected, SerializationFailure])
def test_it_runs_a_second_time_and_never_a_third(kind: type[Exception]) -> None:
    faults = [conflict(kind)]
    calls: list[int] = []

    @once_more
    def act() -> str:
        calls.append(1)
        if faults:
            raise faults.pop()
        return "done"

    assert (act(), len(calls)) == ("done", 2)
    faults += [conflict(kind), conflict(kind), conflict(kind)]
    with pytest.raises(OperationalError):
        act()
    assert len(calls) == 4


@pytest.mark.parametrize(
    "fault", [OperationalError("server closed the connection"), DatabaseError("other"), KeyError()]
)
def test_other_faults_are_not_repeated(fault: Exception) -> None:
    calls: list[int] = []

    @once_more
    def act() -> None:
        calls.append(1)
        raise fault

    with pytest.raises(type(fault)):
        act()
    assert len(calls) == 1


def test_inside_a_transaction_nothing_is_repeated() -> None:
    calls: list[int] = []

    @once_more
    def act() -> None:
        calls.append(1)
        raise conflict(DeadlockDetected)

    with pytest.raises(OperationalError), transaction.atomic():
        act()
    assert len(calls) == 1


def _cross(guard: Callable[[Any], Any]) -> list[str]:
    """Two connections lock two rows in opposite orders; what became of each."""
    first, second = Group.objects.create(name="a"), Group.objects.create(name="b")
    meeting = threading.Barrier(2)
    results: list[str] = []

    def run(order: list[int]) -> None:
        @guard
        def act() -> None:
            with transaction.atomic():
                Group.objects.select_for_update().get(pk=order[0])
                with contextlib.suppress(threading.BrokenBarrierError):  # broken: the second run meets nobody
                    meeting.wait(5)
                    meeting.abort()
                Group.objects.select_for_update().get(pk=order[1])

        try:
            act()
            results.append("done")
        except OperationalError as fault:
            results.append(type(fault.__cause__).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(order,)) for order in ([first.pk, second.pk], [second.pk, first.pk])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return sorted(results)


def test_a_real_deadlock_is_survived_by_both() -> None:
    assert _cross(once_more) == ["done", "done"]


def test_without_it_one_is_lost() -> None:
    assert _cross(lambda act: act) == ["DeadlockDetected", "done"]
