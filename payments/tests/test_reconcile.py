"""`manage.py reconcile_stripe`: verdict, exit status, repairs that are made once, and a dry run that writes nothing."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from bookings.constants import Status as BookingStatus
from bookings.tests.factories import make_booking, make_offer, slot_start
from common.clock import db_now, shift
from idempotency.actions import lease
from jobs.models import Job
from jobs.testing import run_due
from mail.models import Message
from payments.actions import reconciling
from payments.constants import RECONCILE_LEASE, Status, Verdict
from payments.models import Drift, LedgerTransaction, Payment, ReconciliationRun
from payments.reports import Options
from payments.tests.factories import BY, begin, deliver_all, ledger_sums, make_payment, pay, sdk

pytestmark = pytest.mark.django_db
COMMAND = "reconcile_stripe"


def reconcile(*flags):
    """Exit status and output of the command over all that has happened up to now."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with shift(120):  # the last minute is left to creates under way
            call_command(COMMAND, *flags, stdout=out, stderr=err)
    except SystemExit as end:
        return end.code, out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


@pytest.fixture
def lost(twin, booking):
    """A payment that has arrived, of which no webhook told."""
    undeliverable(twin)
    payment = begin(booking)
    pay(twin, payment, "pm_twin_webhookLost")
    return payment


def undeliverable(twin):
    """Give the twin an endpoint, and keep every event from it."""
    twin.control(webhooks={"paused": True})
    twin.send_webhooks_to("http://127.0.0.1:9/hook")


def test_a_lost_webhook_is_repaired_once(twin, booking, lost):
    code, out, _ = reconcile()
    assert code == 0
    assert out.splitlines()[0] == ("Repaired: 1 difference put right; nothing is left to do.")
    here, there = "requires_payment_method 75000 KES", "succeeded 75000 KES"
    assert out.splitlines()[3] == f"  status_behind {lost.provider_ref}: here {here}, at Stripe {there}: repaired"
    lost.refresh_from_db()
    booking.refresh_from_db()
    assert (lost.status, booking.status, booking.paid_amount) == (Status.SUCCEEDED, BookingStatus.CONFIRMED, 75_000)
    assert ledger_sums() == {"clearing:stripe:KES": 75_000, "revenue:bookings": -75_000}
    assert Message.objects.filter(template="payments/receipt").count() == 1
    drift = Drift.objects.get()
    assert (drift.kind, drift.action, drift.resolved_by, drift.payment_id) == (
        "status_behind", "repaired", "reconcile", lost.pk,
    )  # fmt: skip
    rows = Payment.objects.values().get(), LedgerTransaction.objects.count(), Message.objects.count()

    code, out, _ = reconcile()
    assert (code, out.splitlines()[0]) == (0, "In sync: nothing to do.")
    assert (Payment.objects.values().get(), LedgerTransaction.objects.count(), Message.objects.count()) == rows
    assert Drift.objects.count() == 1
    assert list(ReconciliationRun.objects.order_by("started_at").values_list("verdict", "exit_code")) == [
        (Verdict.REPAIRED, 0), (Verdict.IN_SYNC, 0),
    ]  # fmt: skip


def test_the_webhook_that_comes_after_all_changes_nothing(twin, booking, lost):
    reconcile()
    deliver_all(twin)
    assert LedgerTransaction.objects.count() == 2
    assert Message.objects.filter(template="payments/receipt").count() == 1


def rows_of_all_tables():
    """Every row of every table with its xmin: a write leaves a mark, even one that changes nothing."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*), coalesce(max(xmin::text::bigint), 0) FROM "{table}"')
            found[table] = cursor.fetchone()
    return found


def test_a_dry_run_writes_nothing(twin, booking, lost):
    before = rows_of_all_tables()
    code, out, _ = reconcile("--dry-run")
    assert code == 3
    assert out.splitlines()[0] == "Drift: 1 difference; nothing was changed (--dry-run)."
    assert rows_of_all_tables() == before
    lost.refresh_from_db()
    assert lost.status == Status.REQUIRES_PAYMENT_METHOD


def test_a_dry_run_in_sync(twin, booking):
    begin(booking)
    assert reconcile("--dry-run")[0] == 0


def test_json_is_alone_on_stdout(twin, booking, lost):
    code, out, _ = reconcile("--json")
    body = json.loads(out)
    assert code == 0
    assert list(body) == [
        "run_id", "window", "dry_run", "scanned", "in_sync", "repaired", "drift", "errors", "duration_s", "peak_rss_mb",
    ]  # fmt: skip
    assert body["run_id"] == str(ReconciliationRun.objects.get().pk)
    assert body["scanned"] == {
        "payment_intents": 1, "refunds": 0, "disputes": 0, "events": 1, "local": 0, "balance_transactions": 1,
        "payouts": 0,
    }  # fmt: skip
    assert (body["in_sync"], body["repaired"], body["errors"], body["dry_run"]) == (0, 1, [], False)
    assert body["drift"] == [
        {
            "kind": "status_behind", "severity": "warning", "ref": lost.provider_ref, "payment": str(lost.pk),
            "local": {"status": "requires_payment_method", "amount": 75_000, "currency": "KES"},
            "remote": {"status": "succeeded", "amount": 75_000, "currency": "KES"},
            "action": "repaired",
        }
    ]  # fmt: skip
    assert "_secret_" not in out


def test_a_second_run_is_refused(twin, booking, lost):
    with lease(RECONCILE_LEASE, seconds=600) as taken:
        assert taken
        code, out, err = reconcile()
        assert (code, out) == (5, "")
        assert err.strip() == "Another reconciliation is under way."
        assert reconcile("--lock-timeout", "0.3")[0] == 5
        assert reconcile("--dry-run")[0] == 3
    assert ReconciliationRun.objects.count() == 0
    assert reconcile()[0] == 0


def test_an_unreachable_provider(twin, booking, lost):
    twin.stop()
    code, out, _ = reconcile()
    assert code == 4
    assert out.splitlines()[0] == "Incomplete: not everything could be compared; run it again."
    assert ReconciliationRun.objects.get().verdict == Verdict.INCOMPLETE
    assert Job.objects.get(kind="mail.alert").args["code"] == "reconcile_incomplete"


def test_a_page_that_fails_is_asked_again(twin, booking, lost):
    twin.control(faults=[{"fault": "429", "method": "GET", "times": 2}])
    assert reconcile()[0] == 0


def test_an_intent_that_was_made_long_ago(twin, booking):
    undeliverable(twin)
    twin.control(clock_offset_s=-30 * 3600)
    payment = begin(booking)
    twin.control(clock_offset_s=0)
    pay(twin, payment, "pm_twin_webhookLost")
    code, out, _ = reconcile("--hours", "2", "--json")
    scanned = json.loads(out)["scanned"]
    assert (code, scanned["payment_intents"], scanned["events"], scanned["local"]) == (0, 0, 1, 0)
    payment.refresh_from_db()
    assert payment.status == Status.SUCCEEDED


def test_an_open_row_is_looked_up_wherever_it_began(twin, booking):
    twin.control(clock_offset_s=-30 * 3600)
    payment = begin(booking)
    pay(twin, payment)  # the event, too, is older than the window
    twin.control(clock_offset_s=0)
    code, out, _ = reconcile("--hours", "2", "--json")
    assert (code, json.loads(out)["scanned"]["local"]) == (0, 1)
    payment.refresh_from_db()
    assert payment.status == Status.SUCCEEDED


def test_a_creation_without_an_answer_is_resumed(twin, booking):
    twin.control(faults=[{"fault": "lost", "method": "POST", "path": "/v1/payment_intents", "times": 2}])
    with pytest.raises(Exception, match="does not answer"):
        begin(booking)
    assert reconcile("--dry-run")[0] == 3
    code, out, _ = reconcile("--json")
    payment = Payment.objects.get()
    assert (code, payment.status) == (0, Status.REQUIRES_PAYMENT_METHOD)
    assert json.loads(out)["repaired"] == 1
    assert twin.control()["objects"]["payment_intents"] == 1


def test_what_only_the_provider_knows_is_adopted(twin, booking, lost):
    lost.calls.all().delete()
    lost.delete()
    code, out, _ = reconcile("--json")
    assert (code, json.loads(out)["drift"][0]["kind"], json.loads(out)["drift"][0]["action"]) == (
        0, "missing_local", "repaired",
    )  # fmt: skip
    assert Payment.objects.get().status == Status.SUCCEEDED


def test_what_nobody_can_adopt_needs_a_person(twin, booking):
    metadata = {"payment_id": str(booking.pk), "booking_id": "0193a000-0000-7000-8000-000000000000"}
    sdk(twin).v1.payment_intents.create({"amount": 5000, "currency": "usd", "metadata": metadata})
    code, out, _ = reconcile()
    assert code == 3
    assert out.splitlines()[0] == "Drift: 1 difference for a person to look at."
    drift = Drift.objects.get()
    assert (drift.kind, drift.resolved_at, drift.payment_id) == ("missing_local", None, None)
    assert reconcile()[0] == 3
    assert Drift.objects.count() == 1
    assert Job.objects.filter(kind="mail.alert").count() == 1


def test_strangers_objects_are_not_ours(twin, booking):
    sdk(twin).v1.payment_intents.create({"amount": 5000, "currency": "usd"})
    assert reconcile()[0] == 0
    assert ReconciliationRun.objects.get().counters["foreign"] == 1


def test_what_the_provider_does_not_know(twin, booking):
    payment = make_payment(booking, provider_ref="pi_gone")
    assert reconcile()[0] == 3
    payment.refresh_from_db()
    assert (Drift.objects.get().kind, payment.status) == ("missing_remote", Status.REQUIRES_PAYMENT_METHOD)


@pytest.mark.parametrize(
    ("change", "kind"),
    [({"amount": 74_000}, "amount_mismatch"), ({"currency": "USD"}, "currency_mismatch")],
)
def test_amounts_that_differ_need_a_person(twin, booking, change, kind):
    payment = begin(booking)
    Payment.objects.filter(pk=payment.pk).update(**change)
    assert reconcile()[0] == 3
    assert [drift.kind for drift in Drift.objects.all()] == [kind]


def test_late_money_for_a_time_that_is_gone_needs_a_person(twin):
    offer = make_offer()
    booking = make_booking(offer, slot_start(9))
    payment = begin(booking)
    pay(twin, payment, "pm_twin_webhookLost")
    with shift(16 * 60):
        make_booking(offer, booking.starts_at)
    code, out, _ = reconcile("--json")
    assert code == 3
    assert [one["kind"] for one in json.loads(out)["drift"]] == ["status_behind", "paid_after_close"]


def test_one_payment(twin, booking, lost):
    assert reconcile("--payment", lost.provider_ref)[0] == 0
    lost.refresh_from_db()
    assert lost.status == Status.SUCCEEDED
    assert reconcile("--payment", str(lost.pk))[0] == 0
    assert ReconciliationRun.objects.filter(verdict=Verdict.IN_SYNC).count() == 1
    with pytest.raises(CommandError) as caught:
        reconcile("--payment", str(booking.pk))
    assert caught.value.returncode == 2


@pytest.mark.parametrize(
    "flags",
    [
        ("--hours", "0"),
        ("--hours", "721"),
        ("--hours", "x"),
        ("--since", "2026-11-22T09:00:00"),
        ("--since", "yesterday"),
        ("--since", "2026-11-22T10:00:00Z", "--until", "2026-11-22T12:59:59+03:00"),
        ("--hours", "3", "--since", "2026-11-22T10:00:00Z"),
        ("--payment", "nonsense"),
        ("--payment", "pi_nobody_knows"),
        ("--since", "0001-01-01T00:00:00+05:00"),
        ("--until", "9999-12-31T23:59:59-05:00"),
        ("--lock-timeout", "-1"),
        ("--lock-timeout", "nan"),
        ("--lock-timeout", "soon"),
    ],
)
def test_usage(twin, db, flags):
    with pytest.raises(CommandError):
        reconcile(*flags)
    assert ReconciliationRun.objects.count() == 0


def test_not_configured(settings, db):
    settings.PAYMENTS_MODE = "off"
    code, _, err = reconcile()
    assert (code, err.strip()) == (4, "Stripe is not configured: set STRIPE_SECRET.")


def test_too_many_errors_end_the_run(twin, booking):
    payment = begin(booking)
    Payment.objects.filter(pk=payment.pk).update(provider_ref="pi_other")
    payment.refresh_from_db()
    twin.control(faults=[{"fault": "500", "method": "GET", "path": "/v1/payment_intents/pi_other", "times": 99}])
    code, out, _ = reconcile("--max-errors", "0", "--json")
    assert code == 4
    assert len(json.loads(out)["errors"]) == 2


def test_a_batch_costs_one_query(twin, booking, django_assert_max_num_queries):
    offer = booking.service.booking_offer
    begin(booking)
    for hour in (10, 11, 12):
        begin(make_booking(offer, slot_start(hour)))
    until = db_now() + timedelta(seconds=60)
    options = Options(since=until - timedelta(hours=1), until=until, dry_run=True)
    with django_assert_max_num_queries(1 + 3):  # and what is open here: payments, refunds, disputes
        report = reconciling.run(options=options, by=BY)
    assert (report.in_sync, report.verdict) == (4, Verdict.IN_SYNC)


def test_staff_can_ask_for_a_run(twin, booking, lost):
    reconciling.ask(window_hours=24, by=BY)
    reconciling.ask(window_hours=24, by=BY)
    assert Job.objects.filter(kind="payments.reconcile").count() == 1
    with shift(120):
        run_due()
    lost.refresh_from_db()
    assert lost.status == Status.SUCCEEDED


def test_what_was_paid_a_moment_ago_is_found(twin, booking, lost):
    call_command(COMMAND, stdout=io.StringIO())
    lost.refresh_from_db()
    assert lost.status == Status.SUCCEEDED


def test_a_creation_that_is_under_way_is_left_alone(twin, booking):
    payment = make_payment(booking, status=Status.CREATING)
    out = io.StringIO()
    call_command(COMMAND, "--dry-run", stdout=out)
    assert out.getvalue().splitlines()[0] == "In sync: nothing to do."
    payment.refresh_from_db()
    assert payment.status == Status.CREATING
