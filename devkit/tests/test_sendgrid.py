"""The stand-in of SendGrid: what it takes, what it refuses, and how it misbehaves."""

import http.client
import json
import signal
import subprocess
import sys
import urllib.request

import pytest

from devkit.sendgrid import MODES, SendGrid
from devkit.testing import CHECKOUT

MAIL = {
    "personalizations": [{"to": [{"email": "ana@example.com"}]}],
    "from": {"email": "noreply@example.com"},
    "subject": "Hello",
    "content": [{"type": "text/plain", "value": "Hi"}, {"type": "text/html", "value": "<p>Hi</p>"}],
}


@pytest.fixture
def server():
    with SendGrid(key="sg-key") as running:
        yield running


def send(server, mail=None, *, key="sg-key", path="/v3/mail/send", timeout=5):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
    body = mail if isinstance(mail, bytes) else json.dumps(MAIL if mail is None else mail)
    try:
        connection.request("POST", path, body, {"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def test_a_good_mail_is_taken(server):
    status, headers, body = send(server)
    assert (status, body) == (202, b"")
    assert headers["X-Message-Id"]
    assert server.taken == [MAIL]


@pytest.mark.parametrize(
    ("mail", "field"),
    [
        (b"{", "body"),
        ([], "body"),
        (MAIL | {"personalizations": []}, "personalizations"),
        (MAIL | {"personalizations": [{"to": []}]}, "personalizations"),
        (MAIL | {"from": {"email": "nobody"}}, "from"),
        (MAIL | {"subject": ""}, "subject"),
        (MAIL | {"content": []}, "content"),
        (MAIL | {"content": MAIL["content"][::-1]}, "content"),
    ],
)
def test_a_bad_mail_is_refused(server, mail, field):
    status, _, body = send(server, mail)
    assert status == 400
    assert json.loads(body)["errors"][0]["field"] == field
    assert server.taken == []


def test_a_wrong_key_is_refused(server):
    assert send(server, key="other")[0] == 401
    assert server.taken == []


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode.isdigit() and mode != "202"])
def test_a_status_on_demand(server, mode):
    server.mode = mode
    status, _, body = send(server)
    assert status == int(mode)
    assert json.loads(body)["errors"][0]["message"]
    assert server.taken == []


def test_it_closes_after_reading(server):
    server.mode = "close"
    with pytest.raises(http.client.RemoteDisconnected):
        send(server)
    assert server.calls == 1


def test_it_hangs_until_told_otherwise(server):
    server.mode = "hang"
    with pytest.raises(TimeoutError):
        send(server, timeout=0.2)
    server.mode = "202"
    assert send(server)[0] == 202
    with pytest.raises(ValueError, match="none of"):
        server.mode = "nonsense"


def test_the_program_is_told_what_to_do():
    command = [sys.executable, "-m", "devkit.sendgrid"]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as program:
        try:
            address = program.stdout.readline().strip().removesuffix("v3/") + "_control"
            request = urllib.request.Request(address, json.dumps({"mode": "500"}).encode())
            with urllib.request.urlopen(request, timeout=5) as answer:
                assert json.load(answer) == {"mode": "500"}
            with urllib.request.urlopen(address, timeout=5) as answer:
                assert json.load(answer) == {"mode": "500", "calls": 0, "taken": []}
        finally:
            program.send_signal(signal.SIGTERM)
        assert program.wait(10) == 0
