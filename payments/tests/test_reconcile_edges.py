"""`manage.py reconcile_stripe` at its edges: usage, bugs, killed runs, the lease, mixed modes and second objects."""

import io
import subprocess
import sys

import pytest
from django.conf import settings as project
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent
from common.clock import db_now, shift
from common.errors import NotFound, ValidationFailed
from common.ids import uuid7
from idempotency.actions import lease
from payments.actions import drifts, mirroring, reconciling
from payments.constants import RECONCILE_LEASE, RECONCILE_LEASE_SECONDS, DriftKind, Severity, Status, Verdict
from payments.management import bar
from payments.models import Drift, Payment, ReconciliationRun
from payments.providers.errors import ProviderError
from payments.providers.stripe import adapter
from payments.providers.stripe.adapter import StripeProvider
from payments.tests.factories import BY, begin, make_payment, pay, sdk
from payments.tests.test_reconcile import reconcile

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (["--hours", "0"], "from 1 to 720"),
        (["--since", "2026-10-25T02:30:00"], "an instant needs a zone"),
        # the clocks go back in Berlin: the same wall time, an hour apart, and the wrong way round
        (["--since", "2026-10-25T02:30:00+01:00", "--until", "2026-10-25T02:30:00+02:00"], "--since is after --until"),
    ],
)
def test_usage_is_exit_code_2_on_a_real_command_line(flags, word):
    done = subprocess.run(
        [sys.executable, "manage.py", "reconcile_stripe", *flags, "--settings", "config.settings_test"],
        cwd=project.BASE_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert word in done.stderr


def test_an_hour_that_comes_twice_is_a_window(twin, booking):
    code, out, _ = reconcile("--since", "2026-10-25T02:30:00+02:00", "--until", "2026-10-25T02:30:00+01:00")
    assert code == 0
    assert out.splitlines()[1].startswith("2026-10-25T00:30:00Z to 2026-10-25T01:30:00Z: ")


def test_the_verdict_alone_and_every_list(twin, booking):
    assert reconcile("-v", "0")[1].splitlines() == ["In sync: nothing to do."]
    lines = reconcile("-v", "2")[1].splitlines()
    assert "  payment_intents: 0" in lines
    assert "  payouts: 0" in lines


def test_a_bug_is_not_hidden_and_its_run_is_closed(twin, booking, monkeypatch):
    def broken(*_, **__):
        raise TypeError("a bug")

    monkeypatch.setattr(StripeProvider, "list_refunds", broken)
    with pytest.raises(TypeError):
        reconcile()
    run = ReconciliationRun.objects.get()
    assert (run.verdict, run.exit_code) == (Verdict.INCOMPLETE, 1)
    monkeypatch.undo()
    assert ReconciliationRun.objects.filter(finished_at__isnull=True).count() == 0


def test_a_killed_run_frees_its_place_and_is_closed_by_the_next(twin, booking):
    now = db_now()
    killed = ReconciliationRun.objects.create(
        provider="stripe", started_by="operator:", window_from=now, window_until=now, started_at=now
    )
    with lease(RECONCILE_LEASE, seconds=RECONCILE_LEASE_SECONDS):
        assert reconcile()[0] == 5
        with shift(RECONCILE_LEASE_SECONDS):
            assert reconcile()[0] == 0
    killed.refresh_from_db()
    assert (killed.verdict, killed.exit_code, killed.finished_at is None) == (Verdict.INCOMPLETE, 1, False)


def test_the_lease_is_renewed_and_a_lost_one_ends_the_run(monkeypatch):
    with lease(RECONCILE_LEASE, seconds=1) as hold:
        beat = reconciling._renewing(hold)
        ticks = iter([1e9, 1e9, 2e9])
        monkeypatch.setattr(reconciling.time, "monotonic", lambda: next(ticks))
        with shift(0.5):
            beat()
        with shift(1.2), lease(RECONCILE_LEASE, seconds=60) as other:
            assert other.taken is False
        with shift(10), lease(RECONCILE_LEASE, seconds=60) as other:
            assert other.taken is True
            with pytest.raises(ProviderError, match="took the lease over"):
                beat()


def test_what_stripe_does_not_know_is_never_deleted_in_live_mode_either(twin, booking, settings):
    settings.PAYMENTS_MODE = "live"
    payment = make_payment(booking, provider_ref="pi_gone", livemode=True)
    before = Payment.objects.values().get()
    assert reconcile()[0] == 3
    assert (Drift.objects.get().kind, Drift.objects.get().payment_id) == ("missing_remote", payment.pk)
    assert Payment.objects.values().get() == before


def test_rows_of_the_other_mode_are_left_to_its_key(twin, booking):
    make_payment(booking, provider_ref="pi_live", livemode=True)
    assert reconcile()[0] == 0


def test_modes_that_are_mixed(twin, booking):
    row = make_payment(booking, livemode=True, status=Status.CANCELED)
    sdk(twin).v1.payment_intents.create({"amount": 75_000, "currency": "kes", "metadata": {"payment_id": str(row.pk)}})
    assert reconcile()[0] == 3
    assert Drift.objects.get().kind == DriftKind.MODE_MISMATCH


@pytest.mark.parametrize("paid", [True, False])
def test_a_second_object_for_one_payment_matters_with_its_money(twin, booking, paid):
    payment = begin(booking)
    other = sdk(twin).v1.payment_intents.create(
        {"amount": 75_000, "currency": "kes", "metadata": {"payment_id": str(payment.pk)}}
    )
    if paid:
        twin.pay(other.id)
    assert reconcile()[0] == (3 if paid else 0)
    kinds = list(Drift.objects.values_list("kind", "provider_ref"))
    assert kinds == ([(DriftKind.DUPLICATE_CHARGE, other.id)] if paid else [])
    payment.refresh_from_db()
    assert payment.status == Status.REQUIRES_PAYMENT_METHOD


class TestMirror:
    def test_what_is_only_repeated_is_refreshed_in_one_statement(self, twin, booking):
        payment = begin(booking)
        with pytest.raises(Exception, match="declined"):
            pay(twin, payment, "pm_card_chargeDeclined")
        code, _, _ = reconcile()
        before = payment.lock_version
        payment.refresh_from_db()
        assert (code, payment.last_error_code, payment.lock_version) == (0, "generic_decline", before)
        assert Drift.objects.count() == 0

    def test_a_row_that_moved_meanwhile_is_left_alone(self, twin, booking):
        payment = begin(booking)
        snapshot = adapter.adapter(background=False).fetch(payment.provider_ref)
        stale = Payment.objects.get()
        Payment.objects.update(provider_status="newer", lock_version=stale.lock_version + 1)
        stale.provider_status = "older"
        with CaptureQueriesContext(connection) as captured:
            assert mirroring.refresh(pairs=[(stale, snapshot)]) == 0
        assert len(captured) == 1
        assert Payment.objects.get().provider_status == "newer"

    def test_nothing_to_do_is_no_query(self, twin, booking):
        payment = begin(booking)
        snapshot = adapter.adapter(background=False).fetch(payment.provider_ref)
        with CaptureQueriesContext(connection) as captured:
            assert mirroring.refresh(pairs=[(payment, snapshot)]) == 0
        assert len(captured) == 0


class TestBar:
    def test_it_is_drawn_over_itself_and_cleared(self, monkeypatch):
        shown = io.StringIO()
        monkeypatch.setattr(bar.sys, "stderr", shown)
        drawn = bar.Bar()
        drawn("payment_intents", 1500, 0.5)
        drawn("payment_intents", 1600, 0.6)  # too soon after the first
        drawn.end()
        assert shown.getvalue() == f"{bar.CLEAR}[{'#' * 15}{'-' * 15}] payment intents: 1,500{bar.CLEAR}"

    def test_it_is_silent_where_nobody_looks(self, twin, booking):
        assert reconcile()[2] == ""


class TestResolve:
    @pytest.fixture
    def drift(self):
        now = db_now()
        run = ReconciliationRun.objects.create(
            provider="stripe", started_by="x", window_from=now, window_until=now, started_at=now
        )
        return Drift.objects.create(
            run=run, kind=DriftKind.PAYOUT_SUM, severity=Severity.CRITICAL, provider="stripe", provider_ref="po_1",
            action="needs_person", created_at=now,
        )  # fmt: skip

    def test_staff_say_what_became_of_it_once(self, drift):
        done = drifts.resolve_drift(drift_id=drift.pk, note="  A rounding of the bank's. ", by=BY)
        assert (done.note, done.resolved_by) == ("A rounding of the bank's.", "system:test")
        again = drifts.resolve_drift(drift_id=drift.pk, note="Something else", by=BY)
        assert (again.note, again.resolved_at) == (done.note, done.resolved_at)
        event = AuditEvent.objects.get(action="drift.resolved")
        assert (event.target_id, event.reason) == (str(drift.pk), "A rounding of the bank's.")

    @pytest.mark.parametrize("note", ["", "   ", "x" * 501])
    def test_without_a_word_it_stays_open(self, drift, note):
        with pytest.raises(ValidationFailed):
            drifts.resolve_drift(drift_id=drift.pk, note=note, by=BY)
        drift.refresh_from_db()
        assert drift.resolved_at is None
        assert AuditEvent.objects.count() == 0

    def test_an_unknown_one(self):
        with pytest.raises(NotFound):
            drifts.resolve_drift(drift_id=uuid7(), note="x", by=BY)
