"""What a fault of a provider means, and real sessions with SMTP and an HTTP API."""

import json
import smtplib
import socket
import threading
import warnings
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiosmtpd.controller import Controller
from anymail.exceptions import (
    AnymailAPIError,
    AnymailConfigurationError,
    AnymailNotSupportedWarning,
    AnymailRecipientsRefused,
)
from django.apps import apps
from django.utils.module_loading import import_string

from common import clock
from devkit.sendgrid import SendGrid
from jobs.models import Job
from jobs.models import State as JobState
from jobs.testing import run_due
from mail import ports
from mail.actions import Attachment
from mail.errors import NotHandedOver
from mail.models import MarkedAddress, State
from mail.providers.verdicts import Verdict, judge
from mail.tests.factories import LINK, make_message

DAY = 24 * 3600


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
        (smtplib.SMTPRecipientsRefused({"a@b.c": (550, b"unknown")}), True, Verdict.BOUNCED),
        (smtplib.SMTPRecipientsRefused({"a@b.c": (550, b"5.1.1 no such user")}), True, Verdict.BOUNCED),
        (smtplib.SMTPRecipientsRefused({"a@b.c": (550, "5.2.1 disabled")}), True, Verdict.BOUNCED),
        (smtplib.SMTPRecipientsRefused({"a@b.c": (553, b"\xff")}), True, Verdict.BOUNCED),
        (smtplib.SMTPRecipientsRefused({"a@b.c": (550, b"5.7.1 relaying denied")}), True, Verdict.PERMANENT),
        (smtplib.SMTPRecipientsRefused({"a@b.c": (530, b"log in first")}), True, Verdict.PERMANENT),
        (smtplib.SMTPRecipientsRefused({"a@b.c": (552, b"5.2.2 full")}), True, Verdict.PERMANENT),
        (smtplib.SMTPRecipientsRefused({}), True, Verdict.PERMANENT),
        (AnymailRecipientsRefused(), True, Verdict.BOUNCED),
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

    def __init__(self, answer="", at_rcpt=""):
        self.answer, self.at_rcpt, self.got = answer, at_rcpt, []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.at_rcpt:
            return self.at_rcpt
        envelope.rcpt_tos.append(address)
        return "250 OK"

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
def test_an_smtp_server_that_knows_no_such_address_marks_it(settings):
    settings.ALERT_EMAIL = ["ops@example.com"]
    with smtp(Sink(at_rcpt="550 5.1.1 no such user"), settings):
        row = make_message(secrets={"link": LINK})
        run_due()
    row.refresh_from_db()
    assert (row.state, row.secrets, "no such user" in row.error) == (State.BOUNCED, None, True)
    (event,) = row.events.all()
    assert (event.kind, event.hard, event.provider) == ("bounced", True, "hand_over")
    mark = MarkedAddress.objects.get()
    assert (mark.address, mark.bounced_at is None, mark.message) == ("ana@example.com", False, row)
    assert Job.objects.get().state == JobState.DONE  # and no alert: nothing is broken here


@pytest.mark.django_db
def test_an_smtp_server_that_wants_no_mail_of_ours_says_nothing_of_the_address(settings):
    settings.ALERT_EMAIL = []
    with smtp(Sink(at_rcpt="550 5.7.1 relaying denied"), settings):
        row = make_message()
        run_due()
    row.refresh_from_db()
    assert (row.state, MarkedAddress.objects.count()) == (State.FAILED, 0)
    assert Job.objects.get(kind="mail.deliver").state == JobState.DEAD


@pytest.mark.django_db
def test_smtp_that_is_away_is_asked_again(settings):
    with smtp(Sink(), settings):
        pass
    row = make_message()
    run_due()
    row.refresh_from_db()
    assert row.state == State.QUEUED


@pytest.fixture
def sendgrid(settings):
    settings.ALERT_EMAIL = []
    settings.EMAIL_BACKEND = "anymail.backends.sendgrid.EmailBackend"
    with SendGrid(key="sg-key") as server:
        settings.ANYMAIL = {
            "SENDGRID_API_KEY": "sg-key",
            "SENDGRID_API_URL": server.api_url,
            "REQUESTS_TIMEOUT": 0.5,
        }
        yield server


SENDGRID_IS_UNSUPPORTED = pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid")


@pytest.mark.django_db
@SENDGRID_IS_UNSUPPORTED
@pytest.mark.parametrize(
    ("mode", "state", "job"),
    [
        ("202", State.SENT, JobState.DONE),
        ("400", State.FAILED, JobState.DEAD),
        ("401", State.FAILED, JobState.DEAD),
        ("413", State.FAILED, JobState.DEAD),
        ("429", State.QUEUED, JobState.NEW),
        ("500", State.QUEUED, JobState.NEW),
        ("hang", State.UNKNOWN, JobState.DONE),
        ("close", State.UNKNOWN, JobState.DONE),
    ],
)
def test_each_answer_of_an_http_api_through_anymail(sendgrid, mode, state, job):
    sendgrid.mode = mode
    row = make_message(secrets={"link": LINK})
    run_due()
    row.refresh_from_db()
    assert (row.state, Job.objects.get(kind="mail.deliver").state) == (state, job), row.error
    assert sendgrid.calls == 1
    assert (row.secrets is None) == (state == State.SENT)
    assert bool(row.provider_id) == (state in {State.SENT, State.UNKNOWN})
    assert LINK not in row.error


@pytest.mark.django_db
@SENDGRID_IS_UNSUPPORTED
def test_what_an_http_api_gets(sendgrid):
    row = make_message(secrets={"link": LINK}, attachments=[Attachment("a.ics", b"BEGIN", "text/calendar")])
    run_due()
    row.refresh_from_db()
    (mail,) = sendgrid.taken
    assert mail["personalizations"][0]["to"] == [{"email": "ana@example.com"}]
    assert mail["custom_args"] == {"message_id": str(row.pk)}
    assert mail["personalizations"][0]["custom_args"] == {"anymail_id": row.provider_id}
    assert [part["type"] for part in mail["content"]] == ["text/plain", "text/html"]
    assert mail["content"][0]["value"] == f"Hi Ana <b>: {LINK}\n"
    assert [file["filename"] for file in mail["attachments"]] == ["a.ics"]


@pytest.mark.django_db
@SENDGRID_IS_UNSUPPORTED
@pytest.mark.parametrize("mode", ["hang", "close"])
def test_an_ambiguous_end_is_tried_again_only_for_templates_that_may_come_twice(sendgrid, monkeypatch, mode):
    monkeypatch.setattr(ports, "_repeatable", {"test/hello"})
    sendgrid.mode = mode
    row = make_message()
    run_due()
    row.refresh_from_db()
    assert row.state == State.QUEUED
    sendgrid.mode = "202"
    with clock.shift(DAY):
        run_due()
    row.refresh_from_db()
    assert (row.state, sendgrid.calls, len(sendgrid.taken)) == (State.SENT, 2, 1)


@pytest.mark.django_db
@SENDGRID_IS_UNSUPPORTED
def test_an_ambiguous_end_of_the_last_attempt_stays_unknown(sendgrid, monkeypatch):
    monkeypatch.setattr(ports, "_repeatable", {"test/hello"})
    sendgrid.mode = "close"
    row = make_message()
    for attempt in range(6):
        with clock.shift(attempt * DAY):
            run_due()
    row.refresh_from_db()
    assert (row.state, sendgrid.calls) == (State.UNKNOWN, 6)
    assert Job.objects.get(kind="mail.deliver").state == JobState.DONE


@pytest.mark.django_db
@SENDGRID_IS_UNSUPPORTED
def test_an_http_api_that_is_away_is_asked_again(sendgrid):
    sendgrid.stop()
    row = make_message()
    run_due()
    row.refresh_from_db()
    assert row.state == State.QUEUED, row.error
    assert Job.objects.get().attempts == 1


def test_exactly_one_warning_is_silenced():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        apps.get_app_config("mail").ready()
        import_string("anymail.backends.sendgrid.EmailBackend")(api_key="k")
        with pytest.raises(AnymailNotSupportedWarning):
            warnings.warn("another provider went", AnymailNotSupportedWarning, stacklevel=1)
        with pytest.raises(UserWarning):
            warnings.warn("django-anymail has dropped official support for SendGrid", UserWarning, stacklevel=1)


@pytest.mark.django_db
def test_another_provider_is_a_setting(settings):
    """Mailgun's own API behind the same outbox: nothing but the settings differs."""
    answers = type("Mailgun", (BaseHTTPRequestHandler,), {"do_POST": accept_as_mailgun, "log_message": lambda *_: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), answers) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        settings.EMAIL_BACKEND = "anymail.backends.mailgun.EmailBackend"
        settings.ANYMAIL = {
            "MAILGUN_API_KEY": "mg",
            "MAILGUN_SENDER_DOMAIN": "example.com",
            "MAILGUN_API_URL": f"http://127.0.0.1:{server.server_port}/v3",
        }
        row = make_message()
        run_due()
        server.shutdown()
    row.refresh_from_db()
    assert (row.state, row.provider_id) == (State.SENT, "<m1@example.com>")


def accept_as_mailgun(handler):
    handler.rfile.read(int(handler.headers["Content-Length"]))
    assert handler.path == "/v3/example.com/messages"
    body = json.dumps({"id": "<m1@example.com>", "message": "Queued. Thank you."}).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
