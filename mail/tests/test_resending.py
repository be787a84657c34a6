"""*Send again*, and what staff see."""

import pytest
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import RequestFactory

from audit.models import AuditEvent
from common import clock
from common.actor import Actor
from common.admin.shown import NOTHING
from jobs.testing import run_due
from mail import ports, selectors
from mail.actions import Attachment, resend, send
from mail.errors import CannotResend
from mail.models import Message, State
from mail.tests.factories import BY, LINK, make_message

pytestmark = pytest.mark.django_db
ANA = Actor.operator()


class Staff:
    """A user who may do everything, or nothing."""

    pk, email, is_active, is_staff, is_authenticated, is_anonymous = "u1", "ana@example.com", True, True, True, False

    def __init__(self, allowed=True):
        self.allowed = allowed

    def has_perm(self, name, obj=None):
        return self.allowed


def request(allowed=True):
    made = RequestFactory().get("/")
    made.user = Staff(allowed)
    return made


@pytest.fixture(autouse=True)
def _no_ports(monkeypatch):
    monkeypatch.setattr(ports, "_resends", {})


def page():
    return admin.site._registry[Message]


def test_a_message_without_secrets_is_copied():
    row = make_message(attachments=[Attachment("a.ics", b"BEGIN", "text/calendar")])
    run_due()
    resend(message=row, by=ANA)
    resend(message=row, by=ANA)
    assert list(Message.objects.order_by("id").values_list("key", flat=True)) == [
        "greeting:1",
        "greeting:1:again:1",
        "greeting:1:again:2",
    ]
    copy = Message.objects.get(key="greeting:1:again:1")
    assert (copy.resend_of, copy.to, copy.context) == (row, row.to, row.context)
    assert bytes(copy.attachments.get().content) == b"BEGIN"
    assert list(AuditEvent.objects.values_list("action", "target_id")) == [("mail.resent", str(row.pk))] * 2


def test_an_erased_secret_cannot_be_copied():
    row = make_message(secrets={"link": LINK})
    run_due()
    with pytest.raises(CannotResend):
        resend(message=row, by=ANA)
    assert (Message.objects.count(), AuditEvent.objects.count()) == (1, 0)


def test_the_apps_own_way_makes_a_new_secret():
    asked = []

    def again(*, mail, by):
        asked.append(mail)
        send(
            template=mail.template,
            to=mail.to,
            context=mail.context,
            secrets={"link": LINK + "-new"},
            key=f"{mail.key}:2",
            by=by,
        )

    ports.register_resend("test/hello", again)
    row = make_message(secrets={"link": LINK})
    run_due()
    resend(message=row, by=ANA)
    assert asked == [ports.SentMail(row.pk, "test/hello", "ana@example.com", "greeting:1", {"name": "Ana <b>"})]
    assert Message.objects.get(key="greeting:1:2").actor_kind == "operator"
    assert AuditEvent.objects.get().actor_kind == "operator"


def test_the_page_masks_secrets_before_and_after_sending():
    row = make_message(secrets={"link": LINK})
    for _ in range(2):
        row.refresh_from_db()
        shown = f"{page().text(row)}{page().values(row)}{page().html_view(request(), row.pk).content.decode()}"
        assert "••••" in shown
        assert LINK not in shown
        assert page().links(row) == NOTHING
        run_due()


def test_local_mode_shows_the_link_and_the_file(settings, tmp_path):
    settings.EMAIL_BACKEND = "mail.backends.EmlFileBackend"
    settings.MAIL_FILE_PATH = tmp_path
    row = make_message(secrets={"link": LINK})
    run_due()
    row.refresh_from_db()
    with pytest.raises(Http404):
        page().eml_view(request(), row.pk)
    assert LINK not in page().links(row)
    settings.LOCAL = True
    assert page().links(row) == f'<div><a href="{LINK}">{LINK}</a></div>'
    assert row.file_name in page().other_forms(row)
    answer = page().eml_view(request(), row.pk)
    assert LINK.encode() in b"".join(answer.streaming_content)
    answer.close()


def test_pages_need_the_permission():
    row = make_message()
    with pytest.raises(PermissionDenied):
        page().html_view(request(allowed=False), row.pk)


def test_the_button_is_offered_once_the_message_is_out():
    row = make_message()
    assert page().may_resend(row) is False
    run_due()
    row.refresh_from_db()
    assert page().may_resend(row) is True


def test_health_and_needs_you():
    row = make_message()
    assert selectors.health().as_dict() == {"status": "ok"}
    with clock.shift(3601):
        assert selectors.health().as_dict() == {"status": "degraded", "reason": "mail_stuck"}
    Message.objects.filter(pk=row.pk).update(state=State.FAILED)
    failed, unknown, held = selectors.needs_you()
    assert (failed.count, failed.url) == (1, "/admin/mail/message/?state__exact=failed")
    assert (unknown.count, held.count) == (0, 0)
    assert BY.id == "test"
