"""Seals: which rows each takes, and when there is one."""

import logging
import threading

import pytest
from django.db import connection, transaction

from audit.actions import sealing
from audit.models import AuditEvent, AuditSeal
from audit.signatures import is_valid
from audit.tests.factories import ANA, rows, seal_all, sealed, settle, sql
from audit.verification import Scope, run
from common import clock, handlers
from common.actor import Actor
from jobs.actions import enqueue
from jobs.models import Job
from jobs.testing import run_due

pytestmark = pytest.mark.django_db(transaction=True)
SYSTEM = Actor.system("test")


def ids(seal):
    return [one for part in seal.ranges for one in range(part.lower, part.upper)]


def test_a_seal_says_which_rows_there_are_and_names_the_one_before():
    made, first = sealed(3)
    # the key was put down by the first seal, as an event of its own
    assert ids(first)[:3] == [row.pk for row in made]
    assert (first.n, first.count, first.era, bytes(first.prev_seal_hash)) == (1, 4, 1, b"\0" * 32)
    assert sql("SELECT sha256(string_agg(row_hash, ''::bytea ORDER BY id)) FROM audit_event") == [(first.digest,)]
    assert first.last_id == made[-1].pk + 1
    more, second = sealed(2)
    assert (second.n, second.count, ids(second)) == (2, 2, [row.pk for row in more])
    assert bytes(second.prev_seal_hash) == first.seal_hash
    stored = AuditSeal.objects.get(n=2)
    assert (stored.seal_hash, stored.as_dict()) == (second.seal_hash, second.as_dict())
    assert run(Scope()).is_clean


def test_rows_that_were_rolled_back_leave_gaps_that_the_ranges_leave_out():
    first = rows(1)
    with transaction.atomic():
        rows(1)
        transaction.set_rollback(True)
    last = rows(1)
    seal = seal_all()
    assert {first[0].pk + 1} & set(ids(seal)) == set()
    assert {first[0].pk, last[0].pk} <= set(ids(seal))
    assert run(Scope()).is_clean


def test_nothing_new_makes_no_seal_until_a_day_is_over():
    _, first = sealed(1)
    assert sealing.seal(by=SYSTEM) is None
    with clock.shift(24 * 3600 - 5):
        assert sealing.seal(by=SYSTEM) is None
    with clock.shift(24 * 3600 + 5):
        silent = sealing.seal(by=SYSTEM)
        assert (silent.n, silent.count, silent.ranges, silent.last_id) == (2, 0, [], first.last_id)
        assert sealing.seal(by=SYSTEM) is None
        assert run(Scope()).is_clean


def test_an_empty_log_is_sealed_too():
    seal = sealing.seal(by=SYSTEM)
    assert seal.n == 1


@pytest.mark.concurrency
def test_a_long_transaction_keeps_its_rows_for_a_later_seal():
    begun, may_end = threading.Event(), threading.Event()
    late = []

    def work():
        try:
            with transaction.atomic():
                late.extend(rows(1))
                begun.set()
                assert may_end.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(20)
    after = rows(2)  # later ids, committed before the open transaction
    assert after[0].pk > late[0].pk
    first = sealing.seal(by=SYSTEM)
    assert late[0].pk not in ids(first)
    assert run(Scope()).is_clean
    may_end.set()
    thread.join(20)
    second = seal_all()
    assert late[0].pk in ids(second)
    assert {row.pk for row in after} <= set(ids(first)) | set(ids(second))
    report = run(Scope())
    assert (report.is_clean, report.unsealed, report.rows) == (True, 0, AuditEvent.objects.count())


@pytest.mark.concurrency
def test_a_row_that_commits_after_a_higher_id_was_sealed_lands_in_the_next_seal():
    """The lower id belongs to the younger transaction, so the higher one can be sealed without it."""
    begun, young_begun, may_end = threading.Event(), threading.Event(), threading.Event()
    low = []

    def young():
        try:
            assert begun.wait(20)
            with transaction.atomic():
                low.extend(rows(1))
                young_begun.set()
                assert may_end.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=young)
    thread.start()
    with transaction.atomic():
        sql("SELECT pg_current_xact_id()")  # the elder transaction
        begun.set()
        assert young_begun.wait(20)
        high = rows(1)
    assert high[0].pk > low[0].pk
    settle(high[0].xid)
    first = sealing.seal(by=SYSTEM)
    assert high[0].pk in ids(first)
    assert low[0].pk not in ids(first)
    may_end.set()
    thread.join(20)
    second = seal_all()
    assert low[0].pk in ids(second)
    assert run(Scope()).is_clean


@pytest.mark.concurrency
def test_of_two_sealers_the_second_gives_up(monkeypatch):
    rows(2)
    barrier, found = threading.Barrier(2), []
    next_seal = sealing._next

    def together():
        made = next_seal()
        barrier.wait(20)
        return made

    sealing.keys.ensure(by=SYSTEM)
    monkeypatch.setattr(sealing, "_next", together)

    def work():
        try:
            found.append(sealing.seal(by=SYSTEM))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(one is None for one in found) == [False, True]
    assert AuditSeal.objects.count() == 1
    monkeypatch.undo()
    assert run(Scope()).is_clean


def test_each_seal_is_a_line_of_the_log(caplog):
    with caplog.at_level(logging.INFO, logger="audit.actions.sealing"):
        _, seal = sealed(1)
    (line,) = [one for one in caplog.records if one.message == "audit_seal"]
    assert (line.seal_n, line.seal_count) == (1, seal.count)
    assert line.seal_hash == seal.seal_hash.hex()
    assert line.seal_digest == bytes(seal.digest).hex()
    public = bytes.fromhex(sql("SELECT encode(public_key, 'hex') FROM audit_signing_key")[0][0])
    assert is_valid(public, bytes.fromhex(line.seal_signature), seal.statement)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_seal SET count = 99",
        "DELETE FROM audit_seal",
        "UPDATE audit_signing_key SET public_key = 'x'",
        "UPDATE audit_signing_key SET private_ciphertext = NULL",
        "DELETE FROM audit_signing_key",
    ],
)
def test_seals_and_keys_are_append_only(change):
    sealed(1)
    before = sql("SELECT * FROM audit_seal"), sql("SELECT * FROM audit_signing_key")
    for role in ("origin", "replica"):
        with pytest.raises(Exception, match="append-only"), transaction.atomic():
            sql(f"SET LOCAL session_replication_role = {role}; {change}")
    assert (sql("SELECT * FROM audit_seal"), sql("SELECT * FROM audit_signing_key")) == before


def test_on_another_cluster_the_open_rows_are_sealed_whatever_their_transactions(monkeypatch):
    """After a restore the counter of transactions begins anew, below the numbers that the rows hold."""
    sealed(2)
    (left,) = rows(1)
    _, _, now = sql(sealing.SNAPSHOT)[0]
    monkeypatch.setattr(sealing, "_snapshot", lambda: sealing.Snapshot(700, 701, now))
    seal = sealing.seal(by=SYSTEM)
    assert (seal.era, ids(seal)) == (2, [left.pk])
    monkeypatch.undo()
    more = rows(2)
    again = seal_all()  # the numbers run over those of the old rows: none is sealed twice
    assert (again.era, ids(again)) == (2, [row.pk for row in more])
    report = run(Scope())
    assert (report.is_clean, report.rows) == (True, AuditEvent.objects.count())


def test_the_job_seals_every_five_minutes():
    assert handlers.registry["audit.seal"].every.total_seconds() == 300
    rows(2)
    settle()
    enqueue(kind="audit.seal", args={}, by=SYSTEM)
    run_due()
    job = Job.objects.get(kind="audit.seal")
    assert (job.state, job.last_error) == ("done", "")
    assert AuditSeal.objects.get().count >= 2


def test_the_command_seals_and_says_what(capsys):
    from django.core.management import call_command

    rows(1, by=ANA)
    sealing.keys.ensure(by=SYSTEM)
    settle()
    call_command("audit_seal")
    seal = AuditSeal.objects.get()
    assert capsys.readouterr().out == (f"Seal 1: {seal.count} rows, hash {seal.seal_hash.hex()}, key {seal.key_id}.\n")
    call_command("audit_seal")
    assert capsys.readouterr().out == "Nothing to seal.\n"
    assert run(Scope()).is_clean
