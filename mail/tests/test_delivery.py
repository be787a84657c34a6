"""On its way out: states, verdicts, and what is left in the row."""

import email
import email.policy
import stat
from datetime import UTC, datetime

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives

from common import clock
from jobs.models import Job
from jobs.models import State as JobState
from jobs.testing import run_due
from mail import ports, tasks
from mail.actions import Attachment, delivery
from mail.models import Message, State
from mail.providers.outgoing import HandoverFailed, Receipt
from mail.providers.verdicts import Verdict
from mail.tests.factories import BY, LINK, make_message

pytestmark = pytest.mark.django_db
DAY = 24 * 3600
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def only_job():
    return Job.objects.get(kind="mail.deliver")


@pytest.fixture
def provider(monkeypatch):
    """A provider that answers as `answers` says, and notes the row's committed state at each call."""

    class Provider:
        def __init__(self):
            self.answers, self.states = [], []

        def __call__(self, outgoing: EmailMultiAlternatives):
            self.states.append(Message.objects.get().state)
            answer = self.answers.pop(0) if self.answers else "accepted"
            if isinstance(answer, Verdict):
                raise HandoverFailed(answer, f"provider says {answer.value}")
            return Receipt(provider_id=answer, file_name="")

    made = Provider()
    monkeypatch.setattr(tasks.outgoing, "hand_over", made)
    return made


def test_sent(provider):
    row = make_message(secrets={"link": LINK})
    provider.answers = ["msg-1"]
    assert run_due() == 1
    row.refresh_from_db()
    assert provider.states == [State.SENDING]
    assert (row.state, row.provider_id, row.secrets, row.error) == (State.SENT, "msg-1", None, "")
    assert row.sent_at is not None
    assert only_job().state == JobState.DONE


def test_what_a_reader_gets():
    make_message(secrets={"link": LINK}, attachments=[Attachment("visit.ics", b"BEGIN:VCALENDAR", "text/calendar")])
    run_due()
    (sent,) = mail.outbox
    assert (sent.subject, sent.to) == ("Hello Ana <b> & welcome", ["ana@example.com"])
    assert sent.body == f"Hi Ana <b>: {LINK}\n"
    ((html, kind),) = sent.alternatives
    assert kind == "text/html"
    assert f'href="{LINK}"' in html
    assert sent.attachments[0].filename == "visit.ics"
    assert sent.from_email.endswith("<noreply@testserver>")


def test_retry_goes_back_to_the_queue_and_then_out(provider):
    row = make_message(secrets={"link": LINK})
    provider.answers = [Verdict.RETRY, "msg-1"]
    run_due()
    row.refresh_from_db()
    assert (row.state, row.error) == (State.QUEUED, "provider says retry")
    assert row.secrets is not None
    assert (only_job().state, only_job().attempts) == (JobState.NEW, 1)
    with clock.shift(DAY):
        run_due()
    row.refresh_from_db()
    assert (row.state, row.error, row.secrets) == (State.SENT, "", None)


def test_the_last_attempt_fails_for_good(provider):
    row = make_message()
    provider.answers = [Verdict.RETRY] * 6
    for attempt in range(6):
        with clock.shift(attempt * DAY):
            run_due()
    row.refresh_from_db()
    assert (row.state, len(provider.states)) == (State.FAILED, 6)
    assert only_job().state == JobState.DEAD


def test_a_permanent_error_is_dead_at_once_with_one_alert(provider, settings):
    settings.ALERT_EMAIL = []
    row = make_message()
    provider.answers = [Verdict.PERMANENT]
    run_due()
    row.refresh_from_db()
    assert (row.state, row.error) == (State.FAILED, "provider says permanent")
    assert (only_job().state, only_job().attempts) == (JobState.DEAD, 1)
    assert Job.objects.filter(kind="mail.alert").count() == 1


def test_a_dead_job_that_is_run_again_sends(provider, settings):
    settings.ALERT_EMAIL = []
    row = make_message()
    provider.answers = [Verdict.PERMANENT]
    run_due()
    Job.objects.filter(kind="mail.deliver").update(state=JobState.NEW, finished_at=None, attempts=0)
    run_due()
    row.refresh_from_db()
    assert row.state == State.SENT


def test_unknown_is_not_sent_again(provider):
    row = make_message(secrets={"link": LINK})
    provider.answers = [Verdict.UNKNOWN]
    run_due()
    with clock.shift(DAY):
        run_due()
    row.refresh_from_db()
    assert (row.state, len(provider.states)) == (State.UNKNOWN, 1)
    assert "nobody knows" in row.error
    assert only_job().state == JobState.DONE


def test_unknown_of_a_repeatable_template_is_tried_again(provider, monkeypatch):
    monkeypatch.setattr(ports, "_repeatable", {"test/hello"})
    row = make_message()
    provider.answers = [Verdict.UNKNOWN]
    run_due()
    with clock.shift(DAY):
        run_due()
    row.refresh_from_db()
    assert (row.state, len(provider.states)) == (State.SENT, 2)


def test_a_worker_that_died_in_the_call_leaves_unknown(provider):
    row = make_message()
    assert delivery.begin(message_id=str(row.pk), by=BY) == row
    run_due()
    row.refresh_from_db()
    assert (row.state, provider.states) == (State.UNKNOWN, [])


def test_a_message_that_is_out_is_not_sent_again(provider):
    row = make_message()
    run_due()
    Job.objects.update(state=JobState.NEW, finished_at=None)
    assert run_due() == 1
    assert len(provider.states) == 1
    row.refresh_from_db()
    assert row.state == State.SENT


def test_a_message_that_cannot_be_rendered_fails_at_once(settings, provider):
    settings.ALERT_EMAIL = []
    row = make_message(secrets={"link": LINK})
    Message.objects.update(secrets=b"garbage")
    run_due()
    row.refresh_from_db()
    assert (row.state, provider.states) == (State.FAILED, [])
    assert only_job().state == JobState.DEAD


def test_local_mode_writes_an_eml_file(settings, tmp_path):
    settings.EMAIL_BACKEND = "mail.backends.EmlFileBackend"
    settings.MAIL_FILE_PATH = tmp_path / "mail"
    row = make_message(secrets={"link": LINK}, attachments=[Attachment("a.ics", b"BEGIN", "text/calendar")])
    run_due()
    row.refresh_from_db()
    (file,) = settings.MAIL_FILE_PATH.iterdir()
    assert (row.state, row.file_name, file.suffix) == (State.SENT, file.name, ".eml")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    parsed = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert parsed["To"] == "ana@example.com"
    assert parsed["Subject"] == "Hello Ana <b> & welcome"
    assert str(row.pk) in parsed["Message-ID"]
    assert parsed.get_body(("plain",)).get_content().strip() == f"Hi Ana <b>: {LINK}"
    assert LINK in parsed.get_body(("html",)).get_content()
    assert [part.get_filename() for part in parsed.iter_attachments()] == ["a.ics"]


def test_an_unwritable_folder_is_tried_again(settings, tmp_path):
    settings.EMAIL_BACKEND = "mail.backends.EmlFileBackend"
    settings.MAIL_FILE_PATH = tmp_path / "file" / "mail"
    (tmp_path / "file").write_text("not a folder")
    row = make_message()
    run_due()
    row.refresh_from_db()
    assert row.state == State.QUEUED
    assert "cannot be written" in row.error


def test_alert_goes_once_to_each_owner(settings, monkeypatch):
    settings.ALERT_EMAIL = []
    monkeypatch.setattr(ports, "_owners", [])
    ports.register_owners(lambda: ["ana@example.com", "ben@example.com"])
    args = {"code": "job_dead", "record": "7", "summary": "It failed.", "path": "/admin/jobs/job/7/change/"}
    for _ in range(2):
        Job.objects.create(kind="mail.alert", args=args, actor_kind="system", run_at=BEGINNING, created_at=BEGINNING)
        run_due()
    assert sorted(sent.to[0] for sent in mail.outbox) == ["ana@example.com", "ben@example.com"]
    assert mail.outbox[0].subject == "[Studio] Alert: job_dead"
    assert "http://testserver/admin/jobs/job/7/change/" in mail.outbox[0].body


def test_alert_goes_to_alert_email_when_it_is_set(settings):
    settings.ALERT_EMAIL = ["ops@example.com"]
    Job.objects.create(
        kind="mail.alert",
        args={"code": "x", "record": "1"},
        actor_kind="system",
        run_at=BEGINNING,
        created_at=BEGINNING,
    )
    run_due()
    assert [sent.to for sent in mail.outbox] == [["ops@example.com"]]
