"""How much a reconciliation asks of the database and of memory, however many payments there are."""

import json
import math
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.tests.factories import make_booking
from common.clock import db_now
from payments.actions import reconciling
from payments.reports import Options
from payments.tests import many
from payments.tests.factories import BY

INTENTS = 2000
BATCH = 500
QUERIES_A_BATCH = 3
CONSTANT_QUERIES = 3  # what is open here: payments, refunds, disputes
MEMORY_INTENTS = 10_000
GROWTH_MIB = 30
HOUR = 3600


def fill(twin, booking, count):
    """So many payments that agree, here and at the twin."""
    store, refs = twin._service.store, []
    with store.lock:
        for intent, charge, entry in many.at_the_twin(count, now=int(time.time()), spread=HOUR):
            for kind, item in (("payment_intents", intent), ("charges", charge), ("balance_transactions", entry)):
                store.put(kind, item)
            refs.append((intent["id"], charge["id"], entry["id"]))
    many.here(booking, iter(refs))


def window():
    now = db_now() + timedelta(seconds=5)
    return {"since": now - timedelta(hours=2), "until": now, "batch": BATCH}


@pytest.mark.django_db
def test_queries_grow_by_the_batch(twin, booking):
    fill(twin, booking, INTENTS)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        report = reconciling.run(options=Options(**window(), dry_run=True), by=BY)
    assert (report.verdict.value, report.in_sync, report.drift) == ("in_sync", INTENTS, [])
    assert report.scanned["balance_transactions"] == INTENTS
    batches = math.ceil(INTENTS / BATCH)
    assert len(captured) <= QUERIES_A_BATCH * batches + CONSTANT_QUERIES


RUN = """
import json, os, resource, django
django.setup()
from django.conf import settings
settings.STRIPE_SECRET, settings.STRIPE_API_BASE = os.environ["TWIN_KEY"], os.environ["TWIN_BASE"]
from datetime import timedelta
from common.actor import Actor
from common.clock import db_now
from payments.actions import reconciling
from payments.reports import Options
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
now = db_now() + timedelta(seconds=5)
def run(hours):
    options = Options(since=now - timedelta(hours=hours), until=now, dry_run=True)
    return reconciling.run(options=options, by=Actor.operator())
run(0.02)
before = peak()
report = run(2)
print(json.dumps({"in_sync": report.in_sync, "drift": len(report.drift), "growth": peak() - before}))
"""


@pytest.mark.django_db(transaction=True)
def test_memory_does_not_grow_with_the_number_of_payments(twin):
    fill(twin, make_booking(), MEMORY_INTENTS)
    database = connection.settings_dict
    url = (
        f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    )
    env = {
        "PATH": "", "DJANGO_SETTINGS_MODULE": "config.settings_test", "DATABASE_URL": url,
        "TWIN_KEY": twin.secret_key, "TWIN_BASE": twin.base_url,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", RUN], capture_output=True, text=True, env=env, cwd=settings.BASE_DIR, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["in_sync"], found["drift"]) == (MEMORY_INTENTS, 0)
    assert found["growth"] < GROWTH_MIB
