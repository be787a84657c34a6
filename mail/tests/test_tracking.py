"""The tracking webhook: who may call, what is stored, and what follows from it, in whatever order it comes."""

import base64
import hashlib
import hmac
import itertools
import json
from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts.tests.factories import make_user
from audit.models import AuditEvent
from bookings.actions.creation import Customer
from bookings.tests.factories import make_booking
from common import limits
from common.actor import Actor
from config.rates import Rate
from jobs.testing import run_due
from mail import selectors
from mail.actions import clear, delivery
from mail.models import MarkedAddress, Message, State, TrackingEvent
from mail.providers import tracking as providers
from mail.tests.factories import BY, LINK, make_message

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid"),
]
SECRET = "provider:webhook-secret"
AT = 1795341600  # 2026-11-22T10:00:00Z


@pytest.fixture(autouse=True)
def _secret(settings):
    settings.MAIL_WEBHOOK_SECRET = SECRET


def basic(secret):
    return "Basic " + base64.b64encode(secret.encode()).decode()


def call(body, *, provider="sendgrid", secret=SECRET, method="post"):
    headers = {"Authorization": basic(secret)} if secret else {}
    data = body if isinstance(body, str) else json.dumps(body)
    return getattr(Client(), method)(
        f"/api/mail/webhooks/{provider}", data, content_type="application/json", headers=headers
    )


def sendgrid(row, event, *, at=AT, **members):
    """Return one event as SendGrid's Event Webhook sends it."""
    return {
        "email": row.to,
        "timestamp": at,
        "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
        "event": event,
        "category": [],
        "sg_event_id": f"sg-{event}-{at}",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001",
        "anymail_id": row.provider_id or "4f3c0e4e-0000-4000-8000-000000000000",
        "message_id": str(row.pk),
        **members,
    }


def bounce(row, **members):
    return sendgrid(row, "bounce", **({"type": "bounce", "status": "5.1.1", "reason": "550 No such user"} | members))


@pytest.fixture
def row():
    made = make_message(secrets={"link": LINK})
    run_due()
    made.refresh_from_db()
    return made


def state_of(row):
    row.refresh_from_db()
    return row.state


# --- Who may call --------------------------------------------------------------------------------------------------


def test_without_a_configured_secret_nothing_is_taken(row, settings):
    settings.MAIL_WEBHOOK_SECRET = ""
    answer = call([sendgrid(row, "delivered")])
    assert (answer.status_code, answer.json()["code"]) == (503, "mail_webhook_not_configured")
    assert state_of(row) == State.SENT


@pytest.mark.parametrize("secret", ["", "provider:wrong", "webhook-secret", f"{SECRET} ", SECRET.upper()])
def test_a_wrong_secret_is_refused(row, secret):
    answer = call([sendgrid(row, "delivered")], secret=secret)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_webhook_secret")
    assert (state_of(row), TrackingEvent.objects.count()) == (State.SENT, 0)


def test_the_secret_is_compared_in_constant_time(row, monkeypatch):
    compared = []
    monkeypatch.setattr("anymail.webhooks.base.constant_time_compare", lambda a, b: compared.append((a, b)) or a == b)
    assert call([sendgrid(row, "delivered")]).status_code == 200
    assert compared == [(SECRET, SECRET)]


def test_calls_with_a_wrong_secret_are_limited_and_right_ones_never(row, settings):
    settings.RATES = settings.RATES | {"WEBHOOK_INVALID": Rate(2, 60)}
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "mail"}}
    settings.RATELIMIT_USE_CACHE = "default"
    answers = [call([], secret="provider:wrong") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [400, 400, 429]
    assert int(answers[2]["Retry-After"]) > 0
    assert call([sendgrid(row, "delivered")]).status_code == 200
    assert limits.blocked("PUBLIC_WRITE", key="other") is None


def test_a_body_that_is_no_report_is_400(row):
    for body in ("{", '{"event": "delivered"}', '[{"timestamp": 1}]', "[1]", "null"):
        answer = call(body)
        assert (answer.status_code, answer.json()["code"]) == (400, "unreadable_report"), body
    assert TrackingEvent.objects.count() == 0


def test_a_body_that_is_too_long_is_not_read():
    answer = call("[" + " " * 512 * 1024 + "]")
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


def test_unknown_providers_and_methods():
    assert call([], provider="nobody").status_code == 404
    assert call([], provider="inbound").status_code == 404
    assert call([], method="put").status_code == 405
    assert Client().get("/api/mail/webhooks/sendgrid").status_code == 405
    assert Client().head("/api/mail/webhooks/sendgrid").status_code == 200


def test_a_provider_whose_own_key_is_missing_is_503(settings):
    settings.ANYMAIL = {}
    answer = call({}, provider="mailgun")
    assert (answer.status_code, answer.json()["code"]) == (503, "mail_webhook_not_configured")


# --- What follows --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([("processed", {})], State.SENT),
        ([("deferred", {"response": "421 later"})], State.SENT),
        ([("delivered", {})], State.DELIVERED),
        ([("open", {})], State.DELIVERED),
        ([("dropped", {"reason": "Spam Content"})], State.FAILED),
        ([("bounce", {"type": "blocked", "reason": "421 busy"})], State.BOUNCED),
        ([("bounce", {"type": "blocked"}), ("delivered", {})], State.DELIVERED),
        ([("bounce", {"type": "bounce"}), ("delivered", {}), ("deferred", {})], State.BOUNCED),
        ([("delivered", {}), ("spamreport", {}), ("processed", {})], State.COMPLAINED),
        ([("group_resubscribe", {})], State.SENT),
    ],
)
def test_the_state_depends_on_what_is_told_and_not_on_the_order(events, state):
    for number, order in enumerate(itertools.permutations(events)):
        row = make_message(key=f"k{number}")
        run_due()
        for name, members in order:
            assert call([sendgrid(row, name, **members)]).json() == {"received": 1, "stored": 1}
        assert state_of(row) == state, order
        assert row.events.count() == len(events)


def test_one_call_may_tell_of_many_messages(row):
    other = make_message(key="k2", to="ben@example.com")
    run_due()
    answer = call([sendgrid(row, "delivered"), bounce(other), sendgrid(row, "open"), sendgrid(row, "open")])
    assert answer.json() == {"received": 4, "stored": 3}
    assert (state_of(row), state_of(other)) == (State.DELIVERED, State.BOUNCED)


def test_the_same_report_twice_changes_nothing(row):
    told = [bounce(row), sendgrid(row, "delivered")]
    assert call(told).json() == {"received": 2, "stored": 2}
    clear(marked=MarkedAddress.objects.get(), by=BY)
    assert call(told).json() == {"received": 2, "stored": 0}
    assert (state_of(row), TrackingEvent.objects.count(), MarkedAddress.objects.count()) == (State.BOUNCED, 2, 0)


def test_a_message_that_we_do_not_know_is_received_and_forgotten(row):
    stranger = sendgrid(row, "bounce", type="bounce", anymail_id="another", message_id="not-a-uuid")
    assert call([stranger]).json() == {"received": 1, "stored": 0}
    assert (state_of(row), TrackingEvent.objects.count(), MarkedAddress.objects.count()) == (State.SENT, 0, 0)


def test_the_providers_id_alone_finds_the_message(row):
    Message.objects.filter(pk=row.pk).update(provider_id="anymail-1")
    event = sendgrid(row, "delivered", anymail_id="anymail-1")
    del event["message_id"]
    assert call([event]).json() == {"received": 1, "stored": 1}
    assert state_of(row) == State.DELIVERED


@pytest.mark.parametrize("by_anymail_id", [True, False])
def test_an_unknown_message_learns_what_became_of_it(by_anymail_id):
    row = make_message(secrets={"link": LINK})
    sending = delivery.begin(message_id=str(row.pk), by=BY)
    delivery.lose(message=sending, error="timeout", provider_id="anymail-7", by=BY)
    assert state_of(row) == State.UNKNOWN
    event = sendgrid(row, "processed")
    if by_anymail_id:
        del event["message_id"]
    call([event])
    assert (state_of(row), row.secrets, row.error) == (State.SENT, None, "")
    assert row.sent_at == datetime.fromtimestamp(AT, UTC)


def test_a_report_that_overtakes_the_end_of_the_call_stands():
    row = make_message(secrets={"link": LINK})
    sending = delivery.begin(message_id=str(row.pk), by=BY)
    call([sendgrid(row, "delivered")])
    for end in ("postpone", "fail"):
        getattr(delivery, end)(message=sending, error="late", by=BY)
        assert state_of(row) == State.DELIVERED
    delivery.lose(message=sending, error="late", provider_id="x", by=BY)
    delivery.sent(message=sending, provider_id="anymail-9", file_name="", by=BY)
    assert (state_of(row), row.provider_id, row.secrets, row.error) == (State.DELIVERED, "anymail-9", None, "")
    assert run_due() == 1
    assert state_of(row) == State.DELIVERED


# --- Addresses -----------------------------------------------------------------------------------------------------


def test_a_hard_bounce_marks_the_address_in_any_spelling():
    row = make_message(to="Ana@EXAMPLE.com")
    run_due()
    call([bounce(row)])
    marked = MarkedAddress.objects.get()
    assert (marked.address, marked.complained_at, marked.message) == ("ana@example.com", None, row)
    trouble = selectors.address_trouble(" aNA@Example.COM")
    assert trouble.words == "Mail to this address bounced on 2026-11-22. 550 No such user"
    assert selectors.address_trouble("ben@example.com") is None
    assert row.to == "Ana@EXAMPLE.com"


@pytest.mark.parametrize(
    ("name", "members"),
    [("bounce", {"type": "blocked"}), ("deferred", {}), ("dropped", {"reason": "Spam Content"}), ("delivered", {})],
)
def test_what_is_not_for_good_marks_nothing(row, name, members):
    call([sendgrid(row, name, **members)])
    assert MarkedAddress.objects.count() == 0


def test_a_drop_for_an_earlier_bounce_marks_too(row):
    call([sendgrid(row, "dropped", reason="Bounced Address")])
    assert selectors.address_trouble(row.to).bounced_at is not None
    assert state_of(row) == State.FAILED


def test_a_complaint_is_kept_beside_a_bounce_and_the_newest_instant_stays(row):
    call([sendgrid(row, "spamreport", at=AT + 60)])
    call([bounce(row, at=AT + 120)])
    call([bounce(row, at=AT + 90)])
    marked = MarkedAddress.objects.get()
    assert (marked.bounced_at.timestamp(), marked.complained_at.timestamp()) == (AT + 120, AT + 60)
    assert selectors.address_trouble(row.to).words.startswith(
        "Mail to this address bounced on 2026-11-22 and complained on 2026-11-22."
    )


def test_it_shows_on_the_page_of_a_booking(row):
    booking = make_booking(customer=Customer("Ana", "ANA@example.com", ""))
    call([bounce(row)])
    browser = Client()
    browser.force_login(make_user("sales@example.com", held=("Sales",)))
    page = browser.get(f"/admin/bookings/booking/{booking.pk}/change/").content.decode()
    assert "Mail to this address bounced on 2026-11-22. 550 No such user" in page


def test_staff_see_it_and_clear_it(row):
    user = make_user(row.to, held=("Owner",))
    call([bounce(row)])
    browser = Client()
    browser.force_login(user)
    marked = MarkedAddress.objects.get()
    page = browser.get(f"/admin/mail/message/{row.pk}/change/").content.decode()
    assert "550 No such user" in page
    assert "<strong>bounced</strong> · sendgrid" in page
    assert "Mail to this address bounced" in browser.get(f"/admin/accounts/user/{user.pk}/change/").content.decode()
    assert row.to in browser.get("/admin/mail/markedaddress/").content.decode()
    assert browser.post(f"/admin/mail/markedaddress/{marked.pk}/action/clear/").status_code == 302
    assert selectors.address_trouble(row.to) is None
    event = AuditEvent.objects.get(action="mail.address_cleared")
    assert (event.actor_kind, event.target_id) == ("staff", str(marked.pk))
    clear(marked=marked, by=Actor.operator())
    assert AuditEvent.objects.filter(action="mail.address_cleared").count() == 1


# --- Other providers -----------------------------------------------------------------------------------------------


def postmark(row, **members):
    return {
        "MessageID": row.provider_id or "883953f4-6105-42a2-a16a-77a8eac79483",
        "Metadata": {"message_id": str(row.pk)},
        "ServerID": 23,
        "MessageStream": "outbound",
        **members,
    }


def test_postmark(row):
    delivered = postmark(
        row, RecordType="Delivery", Recipient=row.to, DeliveredAt="2026-11-22T10:00:00Z", Details="250 OK"
    )
    assert call(delivered, provider="postmark").json() == {"received": 1, "stored": 1}
    assert call(delivered, provider="postmark").json() == {"received": 1, "stored": 0}
    assert state_of(row) == State.DELIVERED
    members = {"RecordType": "Bounce", "Email": row.to, "BouncedAt": "2026-11-22T10:01:00Z", "Details": "smtp;550"}
    call(postmark(row, ID=42, Type="SoftBounce", **members), provider="postmark")
    assert (state_of(row), MarkedAddress.objects.count()) == (State.DELIVERED, 0)
    call(
        postmark(row, ID=43, Type="HardBounce", **members | {"BouncedAt": "2026-11-22T10:02:00Z"}), provider="postmark"
    )
    assert (state_of(row), row.error) == (State.BOUNCED, "smtp;550")
    assert MarkedAddress.objects.get().address == row.to


def mailgun(row, key, **members):
    token, timestamp = "t" * 50, str(AT)
    proof = hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    return {
        "signature": {"timestamp": timestamp, "token": token, "signature": proof},
        "event-data": {
            "timestamp": AT + 0.5,
            "recipient": row.to,
            "user-variables": {"message_id": str(row.pk)},
            "message": {"headers": {"message-id": "20261122.1@example.com"}},
            **members,
        },
    }


def test_mailgun_asks_for_its_own_signature_too(row, settings):
    settings.ANYMAIL = {"MAILGUN_WEBHOOK_SIGNING_KEY": "mg-key"}
    failed = {"event": "failed", "delivery-status": {"message": "550 gone"}, "reason": "bounce"}
    assert call(mailgun(row, "other", severity="permanent", **failed), provider="mailgun").status_code == 400
    assert state_of(row) == State.SENT
    call(mailgun(row, "mg-key", severity="temporary", **failed), provider="mailgun")
    assert (state_of(row), MarkedAddress.objects.count()) == (State.SENT, 0)
    call(mailgun(row, "mg-key", severity="permanent", **failed), provider="mailgun")
    assert (state_of(row), MarkedAddress.objects.count()) == (State.BOUNCED, 1)


@pytest.mark.parametrize(
    ("report", "hard"),
    [
        ({"event": "bounce", "type": "bounce"}, True),
        ({"event": "bounce", "type": "blocked"}, False),
        ({"RecordType": "Bounce", "Type": "HardBounce"}, True),
        ({"RecordType": "Bounce", "Type": "SoftBounce"}, False),
        ({"event": "hard_bounce"}, True),
        ({"event": "soft_bounce"}, False),
        ({"eventType": "Bounce", "bounce": {"bounceType": "Permanent"}}, True),
        ({"eventType": "Bounce", "bounce": {"bounceType": "Transient"}}, False),
        ({"type": "activity.soft_bounced", "data": {"type": "soft_bounced"}}, False),
        ({"type": "email.bounced", "data": {"bounce": {"type": "Permanent"}}}, True),
        ({"type": "email.bounced", "data": {"bounce": {"type": "Transient"}}}, False),
        ({"event": "bounce", "hard_bounce": True}, True),
        ({"event": "bounce", "hard_bounce": False}, False),
    ],
)
def test_each_provider_says_in_its_own_way_whether_a_bounce_is_for_good(report, hard):
    assert providers._is_hard("bounced", "", report) is hard
