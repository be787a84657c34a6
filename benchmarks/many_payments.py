"""What `benchmarks.reconcile` runs in processes of their own."""

import json
import resource
import time
from datetime import timedelta
from pathlib import Path

from bookings.tests.factories import make_booking, make_offer
from cms.models import Service
from common.actor import Actor
from common.clock import db_now
from devkit.stripe.store import Store
from payments.actions import reconciling
from payments.providers.stripe.client import client
from payments.reports import Options
from payments.tests import many

BY = Actor.system("bench")
HOURS = 24
KIB = 1024


def plant(count: int, state: str, *, spread: int) -> None:
    """Payments that agree, in the database and in a state file of the twin."""
    path = Path(state)
    path.unlink(missing_ok=True)
    store, refs = Store(path), []
    for intent, charge, entry in many.at_the_twin(count, now=int(time.time()) - 120, spread=spread):
        for kind, item in (("payment_intents", intent), ("charges", charge), ("balance_transactions", entry)):
            store.put(kind, item)
        refs.append((intent["id"], charge["id"], entry["id"]))
    store.commit()
    service = Service.objects.filter(booking_offer__isnull=True).first()
    many.here(make_booking(make_offer(service)), iter(refs))
    print("{}")


def stream() -> None:
    """Every page that a reconciliation reads, by the SDK alone."""
    v1 = client(background=True).v1
    now = db_now()
    window = {"gte": int((now - timedelta(hours=HOURS)).timestamp()), "lte": int(now.timestamp())}
    began = time.perf_counter()
    seen = 0
    for service in (v1.payment_intents, v1.refunds, v1.disputes, v1.events, v1.balance_transactions, v1.payouts):
        for _ in service.list({"limit": 100, "created": window}).auto_paging_iter():
            seen += 1
    print(json.dumps({"seconds": time.perf_counter() - began, "seen": seen}))


def reconcile() -> None:
    """A run over the same window, and by how much the process grew from before it."""
    now = db_now()
    reconciling.run(options=Options(since=now - timedelta(minutes=1), until=now, dry_run=True), by=BY)
    before = _peak()
    began = time.perf_counter()
    report = reconciling.run(options=Options(since=now - timedelta(hours=HOURS), until=now), by=BY)
    spent = time.perf_counter() - began
    if report.drift or report.errors or not report.in_sync:
        raise RuntimeError(f"The benchmark's payments do not agree: {report.verdict}, {len(report.drift)} differences")
    print(json.dumps({"seconds": spent, "growth_mib": _peak() - before, "in_sync": report.in_sync}))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB
