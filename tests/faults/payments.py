"""Money: processes die between the provider's act and our commit, and what came of it is counted on both sides."""

import contextlib
import json
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from devkit.stripe.fixture import Twin
from tests.faults.stage import VAR, Process, Stage
from tests.faults.table import Outcome, fault

BOOKINGS = 12
DEPOSIT = 75_000
DEATHS = 3
WAIT_SECONDS = 120
ANSWER_SECONDS = 20
SWEEP_EVERY_SECONDS = 3
WEBHOOK = "/api/payments/webhooks/stripe"
PAID = "SELECT count(*) FROM payments_payment WHERE status = 'succeeded'"


@contextlib.contextmanager
def stripe(stage: Stage) -> Iterator[tuple[Twin, dict[str, str]]]:
    """A twin of Stripe in this process, and the environment that points a process of ours to it."""
    deaths = VAR / "deaths"
    shutil.rmtree(deaths, ignore_errors=True)
    deaths.mkdir(parents=True)
    with Twin() as twin:
        env = {
            "STRIPE_SECRET": twin.secret_key,
            "STRIPE_PUBLISHABLE_KEY": twin.publishable_key,
            "STRIPE_WEBHOOK_SECRET": twin.webhook_secret,
            "STRIPE_API_BASE": twin.base_url,
            "STRIPE_JS_URL": twin.stripe_js_url,
            "FAULTS_DEATHS": os.fspath(deaths),
        }
        before = dict(os.environ)
        os.environ.update(env)  # for `stage.shell`
        try:
            yield twin, env
        finally:
            os.environ.clear()
            os.environ.update(before)


def ask(stage: Stage, booking: str, token: str) -> str:
    """POST create-intent; the provider's id of the payment, or an empty text when no answer came."""
    request = urllib.request.Request(
        f"{stage.web_url}/api/payments/create-intent",
        data=json.dumps({"booking": booking}).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
            secret: str = json.load(answer)["client_secret"]
    except (OSError, urllib.error.HTTPError):
        return ""
    return secret.partition("_secret_")[0]


def planted(stage: Stage) -> list[list[str]]:
    """Ids and tokens of fresh bookings."""
    shown = stage.shell(f"from tests.faults.studio import money; print(money.bookings({BOOKINGS}))")
    found: list[list[str]] = json.loads(shown.splitlines()[-1])
    return found


def sweep_until(stage: Stage, query: str, wanted: int, *, what: str) -> float:
    """Sweep as the schedule does, until a query gives the number; the seconds that it took."""
    began = time.monotonic()

    def there() -> bool:
        if stage.number(query) >= wanted:
            return True
        stage.shell("from tests.faults.studio import money; money.sweep()")
        time.sleep(SWEEP_EVERY_SECONDS)
        return stage.number(query) >= wanted

    stage.wait(there, seconds=WAIT_SECONDS, what=what)
    return time.monotonic() - began


def deaths() -> int:
    """How often something died."""
    return len(list((VAR / "deaths").iterdir()))


def pay_all(stage: Stage, twin: Twin, web: Process) -> None:
    """Have every booking's payment begun, paid at the provider, and told to the web by webhooks."""
    for booking, token in planted(stage):
        twin.pay(ask(stage, booking, token))
    twin.wait_delivered(seconds=WAIT_SECONDS)


@fault("kill -9 of the web between the provider's answer and our commit")
def web_dies_after_create(stage: Stage) -> Outcome:
    with stripe(stage) as (twin, env):
        stage.web(env=env | {"FAULTS_HOOK": "tests.faults.studio.money:die_after_create"})
        recovered = []
        for number, (booking, token) in enumerate(planted(stage)):
            began = time.monotonic()
            if ask(stage, booking, token):
                continue
            stage.wait(lambda: _answers(stage), seconds=WAIT_SECONDS, what="the web after its death")
            recovered.append(time.monotonic() - began)
            begun = stage.number("SELECT count(*) FROM payments_payment WHERE booking_id = %s", booking)
            if number % 2 or not begun:  # this visitor asks again; the others never come back
                ask(stage, booking, token)
        known = "SELECT count(*) FROM payments_payment WHERE provider_ref IS NOT NULL AND status <> 'creating'"
        settled = sweep_until(stage, known, BOOKINGS, what="all payments known by the provider's id")
        made = int(twin.control()["objects"]["payment_intents"])
        refs = stage.number("SELECT count(DISTINCT provider_ref) FROM payments_payment")
        rows = stage.number("SELECT count(*) FROM payments_payment")
        return Outcome(
            tries=deaths(),
            requests=BOOKINGS,
            lost=BOOKINGS - refs,
            doubled=made - BOOKINGS + rows - BOOKINGS,
            recovered=max(recovered, default=0.0),
            settled=settled,
        )


def _answers(stage: Stage) -> bool:
    stage.supervise()
    try:
        with urllib.request.urlopen(f"{stage.web_url}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@fault("kill -9 of the runner between an event's effects and their commit")
def runner_dies_in_event(stage: Stage) -> Outcome:
    with stripe(stage) as (twin, env):
        web = stage.web(env=env)
        twin.send_webhooks_to(stage.web_url + WEBHOOK)
        began = time.monotonic()
        stage.runner(env=env | {"FAULTS_HOOK": "tests.faults.studio.money:die_before_commit"})
        pay_all(stage, twin, web)
        told = time.monotonic()
        stage.wait(lambda: stage.number(PAID) == BOOKINGS, seconds=WAIT_SECONDS, what="all payments applied")
        recovered = time.monotonic() - told
        waiting = "SELECT count(*) FROM job WHERE kind LIKE 'payments.%%' AND state NOT IN ('done', 'dead')"
        stage.wait(lambda: stage.number(waiting + " AND run_at <= now()") == 0, seconds=WAIT_SECONDS, what="all jobs")
        return _counted(stage, recovered=recovered, settled=time.monotonic() - began)


def _counted(stage: Stage, *, recovered: float, settled: float) -> Outcome:
    """Each payment succeeded, with one posting, one receipt and one entry of the audit, and its booking was paid."""
    effects = (
        "SELECT count(*) FROM payments_ledgertransaction WHERE kind = 'capture'",
        "SELECT count(*) FROM mail_message WHERE template = 'payments/receipt'",
        "SELECT count(*) FROM audit_event WHERE action = 'payment.succeeded'",
    )
    counts = [stage.number(query) for query in effects]
    paid = stage.number(f"SELECT count(*) FROM bookings_booking WHERE paid_amount = {DEPOSIT} AND status = 'confirmed'")
    over = stage.number(f"SELECT count(*) FROM bookings_booking WHERE paid_amount > {DEPOSIT}")
    return Outcome(
        tries=deaths(),
        requests=BOOKINGS,
        lost=BOOKINGS - paid + sum(max(0, BOOKINGS - count) for count in counts),
        doubled=over + sum(max(0, count - BOOKINGS) for count in counts),
        recovered=recovered,
        settled=settled,
    )


@fault("kill -9 of the runner between a refund at the provider and our commit")
def runner_dies_in_refund(stage: Stage) -> Outcome:
    with stripe(stage) as (twin, env):
        web = stage.web(env=env)
        twin.send_webhooks_to(stage.web_url + WEBHOOK)
        stage.runner(env=env | {"FAULTS_HOOK": "tests.faults.studio.money:die_after_refund"})
        pay_all(stage, twin, web)
        stage.wait(lambda: stage.number(PAID) == BOOKINGS, seconds=WAIT_SECONDS, what="all payments applied")
        began = time.monotonic()
        stage.shell("from tests.faults.studio import money; money.cancel_all()")
        done = "SELECT count(*) FROM payments_refund WHERE state = 'succeeded'"
        settled = sweep_until(stage, done, BOOKINGS, what="all refunds known to have gone out")
        made = int(twin.control()["objects"]["refunds"])
        back = f"SELECT count(*) FROM bookings_booking WHERE refunded_amount = {DEPOSIT}"
        posted = stage.number("SELECT count(*) FROM payments_ledgertransaction WHERE kind = 'refund'")
        rows = stage.number("SELECT count(*) FROM payments_refund")
        return Outcome(
            tries=deaths(),
            requests=BOOKINGS,
            lost=BOOKINGS - stage.number(back) + max(0, BOOKINGS - posted),
            doubled=made - BOOKINGS + rows - BOOKINGS + max(0, posted - BOOKINGS),
            recovered=time.monotonic() - began,
            settled=settled,
        )


@fault("the provider's answers and webhooks lost, cut and doubled, then reconcile_stripe")
def answers_lost(stage: Stage) -> Outcome:
    with stripe(stage) as (twin, env):
        stage.web(env=env)
        twin.send_webhooks_to(stage.web_url + WEBHOOK)
        stage.runner(env=env)
        kinds = ("lost", "truncated", "500_stored", "429", "500", "503")
        twin.control(webhooks={"lose": BOOKINGS // 2, "repeat": 3, "order": "shuffle"})
        for number, (booking, token) in enumerate(planted(stage)):
            chosen = kinds[number % len(kinds)]
            faults: list[dict[str, Any]] = [{"fault": chosen, "method": "POST", "path": "/v1/payment_intents"}]
            twin.control(faults=faults)
            stage.wait(
                lambda b=booking, t=token: bool(_paid(stage, twin, b, t)), seconds=WAIT_SECONDS, what="an answer"
            )
        twin.control(faults=[])
        twin.wait_delivered(seconds=WAIT_SECONDS)
        began = time.monotonic()
        _reconciled(stage)
        settled = stage.wait(lambda: stage.number(PAID) == BOOKINGS, seconds=WAIT_SECONDS, what="all payments known")
        found = _counted(stage, recovered=time.monotonic() - began, settled=settled)
        made = int(twin.control()["objects"]["payment_intents"])
        doubled = found.doubled + made - BOOKINGS
        return Outcome(BOOKINGS, BOOKINGS, found.lost, doubled, found.recovered, settled)


def _paid(stage: Stage, twin: Twin, booking: str, token: str) -> bool:
    ref = ask(stage, booking, token)
    if ref:
        twin.pay(ref)
    return bool(ref)


def _reconciled(stage: Stage) -> None:
    """Let the last minute, which a run leaves alone, be over for the run."""
    stage.shell(
        "from datetime import timedelta; from common.actor import Actor; from common.clock import db_now; "
        "from payments.actions import reconciling; from payments.reports import Options; now = db_now(); "
        "reconciling.run(options=Options(since=now - timedelta(hours=1), until=now + timedelta(seconds=5)), "
        "by=Actor.operator())"
    )
