"""The publish webhook: what is sent, to whom, how often, and to no place inside the network."""

import base64
import errno
import hashlib
import hmac
import http.client
import json
import socket
import ssl
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import connection, transaction

from audit.models import AuditEvent
from cms.actions import deliveries, endpoints, publishing
from cms.constants import DEBOUNCE_SECONDS, DELIVER
from cms.errors import EndpointOff
from cms.models import Delivery, PublishEndpoint
from cms.tests import factories
from cms.tests.factories import BY
from cms.webhook import address, call, signature
from common.clock import db_now
from common.crypto import encrypt
from common.errors import ValidationFailed
from common.tests.racing import at_once
from jobs.models import Job, State
from jobs.testing import run_due

pytestmark = pytest.mark.django_db


class Receiver:
    """A front end: keeps what it was sent, and answers what it is told."""

    def __init__(self):
        self.got, self.answers = [], []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((self.path, dict(self.headers.items()), body))
                status = receiver.answers.pop(0) if receiver.answers else 204
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks?site=1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def messages(self):
        return [json.loads(body) for _, _, body in self.got]


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def issued(receiver):
    return endpoints.create(values={"label": "Site", "url": receiver.url, "active": True}, by=BY)


def soon():
    """Let the debounce, or a retry's pause, be over."""
    Job.objects.filter(kind=DELIVER, state=State.NEW).update(run_at=db_now())
    run_due()


def verified(message, secret):
    """Verify as a receiver does, by the specification and nothing of ours."""
    _, headers, body = message
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return wanted in headers["webhook-signature"].split(" ")


def test_a_publication_is_sent_signed_after_the_debounce(receiver, issued):
    before = db_now()
    factories.live(slug="hello")
    run_due()
    assert receiver.got == []
    job = Job.objects.get(kind=DELIVER)
    assert timedelta(seconds=DEBOUNCE_SECONDS) <= job.run_at - before < timedelta(seconds=DEBOUNCE_SECONDS + 30)

    soon()

    [message] = receiver.got
    path, headers, body = message
    delivery = Delivery.objects.get()
    assert path == "/hooks?site=1"
    assert headers["Content-Type"] == "application/json"
    assert headers["webhook-id"] == delivery.message_id == f"msg_{delivery.pk.hex}"
    assert abs(int(headers["webhook-timestamp"]) - before.timestamp()) < 60
    assert verified(message, issued.secret)
    assert not verified((path, headers, body + b" "), issued.secret)
    assert json.loads(body) == {
        "type": "content.published",
        "data": {
            "type": "post",
            "slug": "hello",
            "previous_slug": None,
            "paths": ["/api/blogs/hello", "/api/blogs"],
            "tags": ["posts", "posts:hello"],
        },
    }
    assert (delivery.state, delivery.status, delivery.error, delivery.attempts) == ("delivered", 204, "", 1)
    issued.endpoint.refresh_from_db()
    assert (issued.endpoint.last_status, issued.endpoint.last_error) == (204, "")
    assert Job.objects.get(kind=DELIVER).state == State.DONE


def test_the_specifications_own_example():
    """The test vector of the Standard Webhooks libraries."""
    found = signature.headers(
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
        keys=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_changes_of_one_item_within_the_debounce_go_out_as_one(receiver, issued):
    post = factories.live(slug="a")
    soon()
    for slug in ("b", "c"):
        post = factories.republish(post, slug=slug)
    factories.live("post", 2, slug="other")
    soon()

    [_, *later] = receiver.messages()
    one, other = sorted(later, key=lambda message: str(message["data"]["slug"]))
    assert one["data"] == {
        "type": "post",
        "slug": "c",
        "previous_slug": "a",
        "paths": ["/api/blogs/c", "/api/blogs/b", "/api/blogs", "/api/blogs/a"],
        "tags": ["posts", "posts:c", "posts:b", "posts:a"],
    }
    assert other["data"]["slug"] == "other"
    assert sorted(Delivery.objects.values_list("changes", flat=True)) == [1, 1, 2]


def test_the_last_of_them_decides_what_happened(receiver, issued):
    post = factories.live(slug="a")
    publishing.unpublish(item=post, by=BY)
    soon()
    [message] = receiver.messages()
    assert (message["type"], message["data"]["slug"], message["data"]["previous_slug"]) == (
        "content.unpublished",
        "a",
        None,
    )


def test_each_active_endpoint_gets_its_own(receiver, issued):
    second = endpoints.create(values={"label": "Two", "url": receiver.url + "&two=1", "active": True}, by=BY)
    endpoints.create(values={"label": "Off", "url": receiver.url + "&off=1", "active": False}, by=BY)
    factories.live()
    soon()
    assert sorted(path for path, _, _ in receiver.got) == ["/hooks?site=1", "/hooks?site=1&two=1"]
    by_path = {message[0]: message for message in receiver.got}
    assert verified(by_path["/hooks?site=1"], issued.secret)
    assert verified(by_path["/hooks?site=1&two=1"], second.secret)
    assert not verified(by_path["/hooks?site=1"], second.secret)


def test_nothing_is_queued_when_the_transaction_fails(receiver, issued):
    item = factories.draft()
    with transaction.atomic():
        publishing.publish(item=item, by=BY)
        transaction.set_rollback(True)
    assert Delivery.objects.count() == 0
    assert Job.objects.filter(kind=DELIVER).count() == 0


def test_a_refusal_is_tried_again_with_the_same_id(receiver, issued):
    receiver.answers = [500, 302, 204]
    factories.live()
    soon()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.status, delivery.error) == ("sending", 500, "The endpoint answered 500.")
    job = Job.objects.get(kind=DELIVER)
    assert job.state == State.NEW
    assert job.run_at > db_now()
    soon()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.status) == ("sending", 302)
    soon()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.status, delivery.attempts) == ("delivered", 204, 3)
    assert [path for path, _, _ in receiver.got] == ["/hooks?site=1"] * 3
    assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 1
    assert len({body for _, _, body in receiver.got}) == 1
    assert all(verified(message, issued.secret) for message in receiver.got)


def test_it_is_given_up_in_the_end_and_can_be_sent_again(receiver, issued):
    receiver.answers = [503] * 8
    factories.live()
    for _ in range(8):
        soon()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("failed", 8)
    assert Job.objects.get(kind=DELIVER).state == State.DEAD
    soon()
    assert len(receiver.got) == 8

    deliveries.send_again(delivery=delivery, by=BY)
    assert Delivery.objects.get().state == "sending"
    soon()

    assert Delivery.objects.get().state == "delivered"
    assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 1
    assert AuditEvent.objects.filter(action="delivery.sent_again").count() == 1


def test_pressing_twice_sends_once(receiver, issued):
    factories.live()
    soon()
    delivery = Delivery.objects.get()
    for _ in range(2):
        deliveries.send_again(delivery=delivery, by=BY)
    soon()
    assert len(receiver.got) == 2


def test_gone_is_not_tried_again(receiver, issued):
    receiver.answers = [410]
    factories.live()
    soon()
    assert Delivery.objects.get().state == "failed"
    assert Job.objects.get(kind=DELIVER).state == State.DEAD


def test_an_endpoint_that_is_off_or_gone_gets_nothing(receiver, issued):
    factories.live("post", 1)
    endpoints.update(endpoint=issued.endpoint, values={"active": False}, by=BY)
    soon()
    assert receiver.got == []
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.error) == ("failed", "The endpoint is switched off.")
    with pytest.raises(EndpointOff):
        deliveries.send_again(delivery=delivery, by=BY)
    with pytest.raises(EndpointOff):
        deliveries.send_test(endpoint=issued.endpoint, by=BY)
    endpoints.update(endpoint=issued.endpoint, values={"active": True}, by=BY)
    factories.live("post", 2)
    endpoints.delete(endpoint=issued.endpoint, by=BY)
    soon()
    assert receiver.got == []
    assert Delivery.objects.count() == 0


def test_nobody_at_the_address_is_said_in_words(issued):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    endpoints.update(endpoint=issued.endpoint, values={"url": url}, by=BY)
    factories.live()
    soon()
    delivery = Delivery.objects.get()
    assert delivery.status is None
    assert delivery.error == "The endpoint refused the connection."


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "The name of the endpoint is unknown."),
        (socket.gaierror(socket.EAI_AGAIN, "Try again"), "The name of the endpoint could not be looked up."),
        (ConnectionResetError(104, "reset"), "The endpoint broke the connection off."),
        (ssl.SSLError(1, "WRONG_VERSION_NUMBER"), "No secure connection (TLS) to the endpoint came about."),
        (OSError(errno.ENETUNREACH, "unreachable"), "The endpoint's network cannot be reached."),
        (http.client.BadStatusLine("x"), "What the endpoint answered is not HTTP."),
        (
            OSError(errno.EMFILE, "Too many open files"),
            "The endpoint could not be reached: [Errno 24] Too many open files",
        ),
    ],
)
def test_why_no_call_came_about_is_said_in_words(monkeypatch, fault, said):
    def fail(*args):
        raise fault

    monkeypatch.setattr(call, "_send", fail)
    assert call.post("http://127.0.0.1:9/", b"{}", {}) == call.Answer(None, said)


def test_a_certificate_that_is_not_valid_says_why(monkeypatch):
    fault = ssl.SSLCertVerificationError(1, "CERTIFICATE_VERIFY_FAILED")
    fault.verify_message = "certificate has expired"

    def fail(*args):
        raise fault

    monkeypatch.setattr(call, "_send", fail)
    said = "The endpoint's certificate is not valid: certificate has expired."
    assert call.post("https://127.0.0.1:9/", b"{}", {}) == call.Answer(None, said)


def test_an_answer_that_does_not_come_ends(monkeypatch):
    monkeypatch.setattr(call, "ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = call.post(f"http://127.0.0.1:{silent.getsockname()[1]}/", b"{}", {})
    assert answer == call.Answer(None, "The endpoint did not answer in time.")


def test_a_new_secret_signs_beside_the_old_one_for_a_day(receiver, issued):
    rotated = endpoints.rotate(endpoint=issued.endpoint, by=BY)
    factories.live("post", 1)
    soon()
    assert verified(receiver.got[0], issued.secret)
    assert verified(receiver.got[0], rotated.secret)
    PublishEndpoint.objects.update(secret_made_at=db_now() - timedelta(hours=endpoints.PREVIOUS_HOURS))
    factories.live("post", 2)
    soon()
    assert not verified(receiver.got[1], issued.secret)
    assert verified(receiver.got[1], rotated.secret)


def test_secrets_are_encrypted_for_their_row_and_sealed_again(settings, issued):
    row = PublishEndpoint.objects.get()
    assert issued.secret.encode() not in bytes(row.secret_ciphertext)
    endpoints.rotate(endpoint=row, by=BY)
    settings.FIELD_KEYS = [bytes(range(32)), *settings.FIELD_KEYS]
    assert endpoints.rekey(by=BY).done == 2
    settings.FIELD_KEYS = settings.FIELD_KEYS[:1]
    row.refresh_from_db()
    assert endpoints.signing_secrets(endpoint=row, by=BY, now=db_now())[1] == issued.secret


def test_a_secret_that_cannot_be_opened_sends_nothing(receiver, issued):
    PublishEndpoint.objects.update(secret_ciphertext=encrypt(b"whsec_AAAA", aad="another row"))
    factories.live()
    soon()
    assert receiver.got == []
    assert Delivery.objects.get().state == "failed"


def test_a_test_message_names_no_content(receiver, issued):
    deliveries.send_test(endpoint=issued.endpoint, by=BY)
    soon()
    assert receiver.messages() == [
        {
            "type": "content.published",
            "data": {"type": "test", "slug": "test", "previous_slug": None, "paths": [], "tags": []},
        }
    ]
    assert verified(receiver.got[0], issued.secret)


def test_old_deliveries_are_forgotten(receiver, issued):
    factories.live()
    soon()
    stuck = deliveries.send_test(endpoint=issued.endpoint, by=BY)  # its worker was killed at the last try
    Delivery.objects.update(created_at=db_now() - timedelta(days=deliveries.KEEP_DAYS + 1))
    waiting = deliveries.send_test(endpoint=issued.endpoint, by=BY)
    assert (stuck.state, deliveries.forget(by=BY, now=db_now())) == ("sending", 2)
    assert list(Delivery.objects.all()) == [waiting]


def test_a_cancelled_job_does_not_keep_later_changes(receiver, issued):
    item = factories.live()
    Job.objects.filter(kind=DELIVER).update(state=State.CANCELLED, finished_at=db_now())
    soon()
    assert receiver.messages() == []
    publishing.unpublish(item=item, by=BY)
    soon()
    [message] = receiver.messages()
    assert (message["type"], Delivery.objects.get().changes) == ("content.unpublished", 2)


PUBLIC = ["93.184.215.14", "2606:4700::6810:84e5"]
INNER = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "100.127.255.254", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd12::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:93.184.215.14", "::ffff:169.254.169.254", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::1", "2001:db8::1", "fe80::1%eth0", "fec0::1",
    "no address",
]  # fmt: skip


@pytest.mark.parametrize("ip", PUBLIC)
def test_public_addresses(ip):
    assert address.is_public(ip)


@pytest.mark.parametrize("ip", INNER)
def test_inner_addresses(ip):
    assert not address.is_public(ip)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "https://user:word@example.org/",
        "https://example.org/#x",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://017700000001/",
        "https://169.254.169.254/latest/meta-data/",
        "https://example.org:99999/",
        "ftp://example.org/",
        "https://exämple.org/",
        "https:///x",
    ],
)
def test_production_refuses_to_keep_such_an_address(settings, url):
    settings.PRODUCTION = True
    with pytest.raises(ValidationFailed) as refusal:
        endpoints.create(values={"label": "Site", "url": url, "active": True}, by=BY)
    assert {error.pointer for error in refusal.value.errors} == {"#/url"}
    assert PublishEndpoint.objects.count() == 0


def test_production_calls_no_name_that_leads_inside(settings, receiver, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", answering("93.184.215.14", "127.0.0.1"))
    settings.PRODUCTION = True
    answer = call.post(f"https://hooks.example.org:{receiver.server.server_port}/", b"{}", {})
    assert answer == call.Answer(None, "The address leads into a private network.", final=True)
    assert receiver.got == []


def test_a_name_is_asked_for_once_and_the_peer_is_looked_at(settings, receiver, monkeypatch):
    asked = []
    monkeypatch.setattr(socket, "getaddrinfo", answering("93.184.215.14", asked=asked))
    dialled = []

    def rebound(where, timeout):
        dialled.append(where)
        made = socket.socket()
        made.connect(("127.0.0.1", receiver.server.server_port))
        return made

    monkeypatch.setattr(socket, "create_connection", rebound)
    settings.PRODUCTION = True
    answer = call.post("https://hooks.example.org/", b"{}", {})
    assert asked == ["hooks.example.org"]
    assert dialled == [("93.184.215.14", 443)]
    assert answer.error == "The address leads into a private network."
    assert receiver.got == []


def answering(*ips, asked=None):
    def getaddrinfo(host, port, *args, **kwargs):
        if asked is not None:
            asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ips]

    return getaddrinfo


@pytest.mark.django_db(transaction=True)
def test_a_change_that_comes_while_the_message_leaves_is_not_lost(receiver):
    endpoints.create(values={"label": "Site", "url": receiver.url, "active": True}, by=BY)
    post = factories.live(slug="a0")
    for step in range(1, 6):
        drafted = factories.edit(post, slug=f"a{step}")
        Job.objects.filter(kind=DELIVER, state=State.NEW).update(run_at=db_now())
        outcomes = at_once(lambda item=drafted: publishing.publish(item=item, by=BY), run_due)
        assert not [one for one in outcomes if isinstance(one, Exception)]
        post = outcomes[0]
    soon()
    connection.close()

    tags = {tag for message in receiver.messages() for tag in message["data"]["tags"]}
    assert tags == {"posts", *(f"posts:a{step}" for step in range(6))}
    assert receiver.messages()[-1]["data"]["slug"] == "a5"
