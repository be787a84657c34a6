"""What a fault of a provider means, and real sessions with SMTP and an HTTP API."""

import smtplib
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from aiosmtpd.controller import Controller
from anymail.exceptions import AnymailAPIError, AnymailConfigurationError

from jobs.models import Job
from jobs.testing import run_due
from mail.errors import NotHandedOver
from mail.models import State
from mail.providers.verdicts import Verdict, judge
from mail.tests.factories import LINK, make_message


def api_error(status):
    return AnymailAPIError("refused", status_code=status)


@pytest.mark.parametrize(
    ("error", "connected", "verdict"),
    [
        (api_error(400), True, Verdict.PERMANENT),
        (api_error(401), True, Verdict.PERMANENT),
        (api_error(403), True, Verdict.PERMANENT),
        (api_error(413), True, Verdict.PERMANENT),
        (api_error(408), True, Verdict.RETRY),
        (api_error(429), True, Verdict.RETRY),
        (api_error(500), True, Verdict.RETRY),
        (api_error(503), True, Verdict.RETRY),
        (AnymailConfigurationError("no key"), True, Verdict.PERMANENT),
        (smtplib.SMTPDataError(451, b"later"), True, Verdict.RETRY),
        (smtplib.SMTPDataError(552, b"too big"), True, Verdict.PERMANENT),
        (smtplib.SMTPAuthenticationError(535, b"no"), False, Verdict.PERMANENT),
        (smtplib.SMTPRecipientsRefused({"a@b.c": (550, b"unknown")}), True, Verdict.PERMANENT),
        (smtplib.SMTPRecipientsRefused({"a@b.c": (450, b"busy")}), True, Verdict.RETRY),
        (smtplib.SMTPServerDisconnected("gone"), True, Verdict.UNKNOWN),
        (TimeoutError(), True, Verdict.UNKNOWN),
        (TimeoutError(), False, Verdict.RETRY),
        (ConnectionRefusedError(), True, Verdict.RETRY),
        (socket.gaierror(), True, Verdict.RETRY),
        (NotHandedOver("disk full"), True, Verdict.RETRY),
        (ValueError("header"), True, Verdict.PERMANENT),
    ],
)
def test_verdicts(error, connected, verdict):
    assert judge(error, connected=connected) is verdict


class Sink:
    """An SMTP server that keeps what it gets, or answers as it is told."""

    def __init__(self, answer=""):
        self.answer, self.got = answer, []

    async def handle_DATA(self, server, session, envelope):
        if self.answer:
            return self.answer
        self.got.append(envelope)
        return "250 OK"


@contextmanager
def smtp(sink, settings):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_TIMEOUT = "127.0.0.1", 5
    settings.EMAIL_PORT = port
    try:
        yield controller
    finally:
        controller.stop()


@pytest.mark.django_db
def test_smtp_sends(settings):
    sink = Sink()
    with smtp(sink, settings):
        row = make_message(secrets={"link": LINK})
        run_due()
    row.refresh_from_db()
    assert row.state == State.SENT
    (envelope,) = sink.got
    assert envelope.rcpt_tos == ["ana@example.com"]
    assert LINK.encode() in envelope.content


@pytest.mark.django_db
@pytest.mark.parametrize(("answer", "state"), [("451 later", State.QUEUED), ("554 no", State.FAILED)])
def test_smtp_refusals(settings, answer, state):
    settings.ALERT_EMAIL = []
    with smtp(Sink(answer), settings):
        row = make_message()
        run_due()
    row.refresh_from_db()
    assert row.state == state
    assert answer[:3] in row.error


@pytest.mark.django_db
def test_smtp_that_is_away_is_asked_again(settings):
    with smtp(Sink(), settings):
        pass
    row = make_message()
    run_due()
    row.refresh_from_db()
    assert row.state == State.QUEUED


class Api(BaseHTTPRequestHandler):
    """SendGrid's send call, in as much as a client sees it."""

    status, keys = 202, []

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.keys.append(self.headers["Authorization"])
        if self.status is None:
            self.connection.shutdown(socket.SHUT_RDWR)  # took the mail, never answered
            return
        self.send_response(self.status)
        self.send_header("X-Message-ID", "sg-1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def sendgrid(settings, status):
    handler = type("Answering", (Api,), {"status": status, "keys": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings.EMAIL_BACKEND = "anymail.backends.sendgrid.EmailBackend"
    settings.ANYMAIL = {
        "SENDGRID_API_KEY": "sg-key",
        "SENDGRID_API_URL": f"http://127.0.0.1:{server.server_port}/v3/",
        "REQUESTS_TIMEOUT": 5,
    }
    try:
        yield handler
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@pytest.mark.django_db
@pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid")
@pytest.mark.parametrize(
    ("status", "state"),
    [
        (202, State.SENT),
        (400, State.FAILED),
        (401, State.FAILED),
        (429, State.QUEUED),
        (500, State.QUEUED),
        (None, State.UNKNOWN),
    ],
)
def test_an_http_api_through_anymail(settings, status, state):
    settings.ALERT_EMAIL = []
    with sendgrid(settings, status) as server:
        row = make_message()
        run_due()
    row.refresh_from_db()
    assert row.state == state, row.error
    assert server.keys == ["Bearer sg-key"]
    assert bool(row.provider_id) == (state == State.SENT)


@pytest.mark.django_db
@pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid")
def test_an_http_api_that_is_away_is_asked_again(settings):
    with sendgrid(settings, 202):
        pass
    row = make_message()
    run_due()
    row.refresh_from_db()
    assert row.state == State.QUEUED, row.error
    assert Job.objects.get().attempts == 1
