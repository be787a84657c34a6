"""The store of files and the mail provider away: their jobs wait, all others flow."""

import socket

import pytest
from django.test import Client

from common import clock
from common.actor import Actor
from jobs.actions import enqueue
from jobs.models import Job
from jobs.models import State as JobState
from jobs.testing import run_due
from mail.actions import send
from mail.models import State as MailState
from tests.degradation.stack import wait_until
from uploads.models import File
from uploads.tests.factories import arrived, picture, store

pytestmark = pytest.mark.xdist_group("degradation")  # one running system for all of them
HOUR = 3600
BY = Actor.system("test")
ALERT = {"code": "x", "record": "1", "summary": "s", "url": "", "runbook_url": "http://testserver/docs/runbook/x"}


@pytest.fixture
def nobody():
    """An address of this machine that refuses every connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"http://127.0.0.1:{port}"


@pytest.fixture
def away_store(settings, nobody):
    """S3 that does not answer, after the file came to the local store."""

    def go_away():
        settings.STORAGE = "s3"
        settings.S3_BUCKET_NAME, settings.S3_PUBLIC_BUCKET_NAME = "private", "public"
        settings.S3_ENDPOINT_URL = settings.S3_PUBLIC_ENDPOINT_URL = nobody
        settings.AWS_ACCESS_KEY_ID = settings.AWS_SECRET_ACCESS_KEY = "test"

    return go_away


@pytest.fixture
def away_provider(settings, nobody):
    settings.EMAIL_BACKEND = "anymail.backends.mailgun.EmailBackend"
    settings.ANYMAIL = {"MAILGUN_API_KEY": "k", "MAILGUN_API_URL": nobody, "MAILGUN_SENDER_DOMAIN": "example.com"}


def a_file():
    content, now = picture(), clock.db_now()
    file = arrived(content, state="uploaded", confirmed_at=now, observed_size=len(content))
    File.objects.filter(pk=file.pk).update(etag=store(file, content))
    enqueue(kind="uploads.process", args={"file_id": str(file.pk)}, by=BY)
    return file


def a_mail(key="k1"):
    return send(template="mail/alert", to="ops@example.com", context=ALERT, key=key, by=BY)


def states():
    return dict(Job.objects.order_by("kind").values_list("kind", "state"))


def checks():
    answers = [Client().get(path) for path in ("/health", "/readyz", "/healthz")]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    return answers[0].json()["checks"]


@pytest.mark.django_db
def test_the_store_is_away(settings, tmp_path, away_store, mailoutbox):
    settings.STORAGE, settings.MEDIA_ROOT = "local", tmp_path
    file = a_file()
    a_mail()
    away_store()
    run_due()
    file.refresh_from_db()
    job = Job.objects.get(kind="uploads.process")
    assert states() == {"mail.deliver": JobState.DONE, "uploads.process": JobState.NEW}
    assert (job.attempts, job.run_at > clock.db_now(), len(mailoutbox)) == (1, True, 1)
    found = checks()
    assert found["storage"] == {"status": "degraded", "reason": "private_bucket_away"}
    assert (found["mail"], found["database"]) == ({"status": "ok"}, {"status": "ok"})
    settings.STORAGE = "local"
    with clock.shift(HOUR):
        run_due()
    file.refresh_from_db()
    assert file.state == "ready"
    assert Job.objects.get(kind="uploads.process").state == JobState.DONE


@pytest.mark.django_db
def test_the_mail_provider_is_away(settings, tmp_path, away_provider, mailoutbox):
    settings.STORAGE, settings.MEDIA_ROOT = "local", tmp_path
    file = a_file()
    row = a_mail()
    run_due()
    row.refresh_from_db()
    file.refresh_from_db()
    assert (file.state, row.state) == ("ready", MailState.QUEUED)
    assert states()["mail.deliver"] == JobState.NEW
    assert checks()["mail"] == {"status": "ok"}
    with clock.shift(HOUR + 1):
        assert checks()["mail"] == {"status": "degraded", "reason": "mail_stuck"}
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        run_due()
        assert checks()["mail"] == {"status": "ok"}
    assert len(mailoutbox) == 1


def test_a_provider_that_hangs_holds_no_other_queue(stack):
    taken, calls = len(stack.provider.taken), stack.provider.calls
    stack.provider.mode = "hang"
    assert stack.book().status == 201
    wait_until(lambda: stack.provider.calls == calls + 1, stack.log("runner"), seconds=10)
    stack.sql(
        "UPDATE job SET state = 'new', attempts = 0, finished_at = NULL, worker = '', run_at = now() "
        "WHERE kind = 'jobs.purge'"
    )
    purged = "SELECT count(*) FROM job WHERE kind = 'jobs.purge' AND state = 'done'"
    wait_until(lambda: stack.sql(purged)[0][0] >= 1, stack.log("runner"), seconds=10)
    assert stack.sql("SELECT state FROM mail_message ORDER BY id DESC LIMIT 1") == [("sending",)]
    assert stack.get("/health").json["checks"]["mail"] == {"status": "ok"}
    stack.provider.mode = "202"
    last = "SELECT state FROM mail_message ORDER BY id DESC LIMIT 1"
    wait_until(lambda: stack.sql(last) == [("queued",)], stack.log("runner"), seconds=10)  # this one may come twice
    assert len(stack.provider.taken) == taken
    stack.sql("DELETE FROM job WHERE kind = 'mail.deliver' AND state = 'new'")
