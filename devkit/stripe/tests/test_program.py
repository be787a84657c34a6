import json
import os
import signal
import socket
import subprocess
import sys

import pytest
import stripe

from devkit.stripe.fixture import Twin
from devkit.stripe.tests.conftest import client_of, paid


def run(*arguments, secret="whsec_program"):
    return subprocess.Popen(
        [sys.executable, "-m", "devkit.stripe", *map(str, arguments)],
        env={**os.environ, "STRIPE_WEBHOOK_SECRET": secret},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_restart_forgets_nothing(tmp_path, sink):
    state = tmp_path / "stripe.json"
    with Twin(state=state, webhook_url="http://127.0.0.1:9/nobody", webhook_secret="whsec_x") as first:
        intent = paid(client_of(first))
        key = {"idempotency_key": "k1"}
        made = client_of(first).v1.payment_intents.create({"amount": 700, "currency": "usd"}, key)
        first.control(clock_offset_s=-5)
    with Twin(state=state, webhook_url=sink.url, webhook_secret="whsec_x") as second:
        client = client_of(second)
        assert [item.id for item in client.v1.payment_intents.list().data] == [made.id, intent.id]
        again = client.v1.payment_intents.create({"amount": 700, "currency": "usd"}, key)
        assert again.id == made.id
        assert second.control()["settings"]["clock_offset_s"] == -5
        assert second.wait_delivered() == {"waiting": 0, "delivered": 4, "failed": 0, "lost": 0}
        assert len(sink.types("whsec_x")) == 4
        assert len(client.v1.webhook_endpoints.list().data) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["stripe.json"]


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_program_keeps_its_state_however_it_ends(tmp_path, port, sink, stop):
    state = tmp_path / "var" / "stripe.json"
    arguments = ("--port", port, "--state", state, "--webhook-url", sink.url)
    with run(*arguments, secret="whsec_first,whsec_old") as program:
        assert program.stdout.readline() == f"Stripe twin: http://127.0.0.1:{port}\n"
        client = stripe.StripeClient("sk_test_x", base_addresses={"api": f"http://127.0.0.1:{port}"})
        intent = paid(client)
        program.send_signal(stop)
        assert program.wait(5) == (-9 if stop == signal.SIGKILL else 0)
        assert program.stderr.read() == ""
    saved = [stored["id"] for kind, stored in json.loads(state.read_text())["objects"] if kind == "payment_intents"]
    assert saved == [intent.id]
    for event in sink.events("whsec_first"):
        assert event.object == "event"


def test_a_taken_port_is_one_plain_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        with run("--port", number) as program:
            _, errors = program.communicate(timeout=10)
    assert program.returncode == 1
    assert errors == f"Port {number} is taken: stop what listens there, or give the twin another --port.\n"


def test_webhooks_need_a_secret_and_a_broken_file_is_refused(tmp_path, port):
    with run("--port", port, "--webhook-url", "http://127.0.0.1:9/", secret="") as program:
        assert "Set STRIPE_WEBHOOK_SECRET" in program.communicate(timeout=10)[1]
    assert program.returncode == 1
    broken = tmp_path / "stripe.json"
    broken.write_text("{")
    with run("--port", port, "--state", broken) as program:
        assert "is not a state file" in program.communicate(timeout=10)[1]
    assert program.returncode == 1
    assert broken.read_text() == "{"
