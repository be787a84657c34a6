"""Leases: one holder at a time, and none for ever."""

import threading

import pytest
from django.db import connection

from common import clock
from idempotency.actions import lease
from idempotency.models import Lease

pytestmark = pytest.mark.django_db


def test_second_taker_is_refused_until_the_first_gives_back():
    with lease("sweep", seconds=60) as first:
        assert first.taken is True
        with lease("sweep", seconds=60) as second:
            assert second.taken is False
        with lease("other", seconds=60) as other:
            assert other.taken is True
        assert Lease.objects.get(name="sweep").token is not None
    with lease("sweep", seconds=60) as third:
        assert third.taken is True


def test_a_refused_taker_gives_nothing_back():
    with lease("sweep", seconds=60):
        with lease("sweep", seconds=60):
            pass
        with lease("sweep", seconds=60) as third:
            assert third.taken is False


def test_an_outlived_lease_is_taken_over_and_its_first_holder_gives_nothing_back():
    with lease("sweep", seconds=60) as first, clock.shift(61):
        assert first.taken is True
        with lease("sweep", seconds=60) as second:
            assert second.taken is True
            token = Lease.objects.get(name="sweep").token
    assert Lease.objects.get(name="sweep").token is None
    assert token is not None


def test_a_renewed_lease_lasts_on_and_an_outlived_one_is_not_renewed():
    with lease("sweep", seconds=60) as first:
        with clock.shift(40):
            assert first.renew() is True
        with clock.shift(99), lease("sweep", seconds=60) as early:
            assert early.taken is False
        with clock.shift(101), lease("sweep", seconds=60) as late:
            assert late.taken is True
            assert first.renew() is False


def test_lease_is_given_back_after_an_error():
    with pytest.raises(ZeroDivisionError), lease("sweep", seconds=60):
        raise ZeroDivisionError
    with lease("sweep", seconds=60) as again:
        assert again.taken is True


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_exactly_one_takes_it():
    barrier, answers = threading.Barrier(4), []

    def contend():
        try:
            barrier.wait(10)
            with lease("race", seconds=60) as taken:
                answers.append(taken.taken)
                barrier.wait(10)  # nobody gives back before all have asked
        finally:
            connection.close()

    threads = [threading.Thread(target=contend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(answers) == [False, False, False, True]
