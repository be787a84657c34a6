"""Publish webhooks in the back office: the secret is seen once, rights hold, every write is an audit event."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from accounts.tests.factories import make_user
from audit.models import AuditEvent
from cms.actions import deliveries, endpoints
from cms.admin import words
from cms.constants import DELIVER
from cms.models import Delivery, PublishEndpoint
from cms.tests import factories
from cms.tests.factories import BY
from cms.webhook.call import Answer
from common.clock import db_now
from jobs.models import Job

pytestmark = pytest.mark.django_db
LIST = "/admin/cms/publishendpoint/"
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]{44}")
VALUES = {"label": "Site", "url": "http://127.0.0.1:9/hook", "active": "on"}


def client_of(role):
    client = Client()
    client.force_login(make_user(f"{role.lower()}@example.com", held=(role,)))
    return client


def page_of(endpoint):
    return f"{LIST}{endpoint.pk}/change/"


def actions():
    return list(
        AuditEvent.objects.filter(action__startswith="publish_").order_by("pk").values_list("action", flat=True)
    )


@pytest.fixture
def owner():
    return client_of("Owner")


@pytest.fixture
def endpoint():
    return endpoints.create(values={"label": "Site", "url": "http://127.0.0.1:9/hook", "active": True}, by=BY).endpoint


def test_a_new_one_shows_its_secret_once(owner):
    answer = owner.post(f"{LIST}add/", VALUES)
    assert answer.status_code == 200
    [secret] = SECRET.findall(answer.content.decode())
    assert answer["Cache-Control"].startswith("private, no-store")
    row = PublishEndpoint.objects.get()
    assert endpoints.signing_secrets(endpoint=row, by=BY, now=db_now()) == [secret]
    for path in (LIST, page_of(row)):
        assert "whsec_" not in owner.get(path).content.decode()
    assert actions() == ["publish_endpoint.created"]
    assert secret not in str(list(AuditEvent.objects.values()))
    assert secret not in str(owner.cookies)


def test_a_rotation_shows_the_new_one_once(owner, endpoint):
    old = endpoints.signing_secrets(endpoint=endpoint, by=BY, now=db_now())[0]
    answer = owner.post(f"{LIST}{endpoint.pk}/action/rotate/")
    [secret] = SECRET.findall(answer.content.decode())
    endpoint.refresh_from_db()
    assert endpoints.signing_secrets(endpoint=endpoint, by=BY, now=db_now()) == [secret, old]
    assert actions() == ["publish_endpoint.created", "publish_endpoint.rotated"]


def test_it_is_changed_tested_and_removed(owner, endpoint):
    assert owner.post(page_of(endpoint), {**VALUES, "label": "Other"}).status_code == 302
    assert owner.post(f"{LIST}{endpoint.pk}/action/test/").status_code == 302
    assert Delivery.objects.get().data["type"] == "test"
    assert owner.post(f"{LIST}{endpoint.pk}/delete/", {"post": "yes"}).status_code == 302
    assert PublishEndpoint.objects.count() == Delivery.objects.count() == 0
    assert actions() == [
        "publish_endpoint.created",
        "publish_endpoint.updated",
        "publish_endpoint.tested",
        "publish_endpoint.deleted",
    ]


def test_a_bad_address_is_said_on_the_form(owner, settings):
    settings.PRODUCTION = True
    answer = owner.post(f"{LIST}add/", {**VALUES, "url": "https://169.254.169.254/"}, secure=True)
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors == {"url": ["The address leads into a private network."]}
    assert PublishEndpoint.objects.count() == 0


def test_deliveries_show_what_was_sent_and_answered(owner, endpoint):
    factories.live(slug="hello")
    delivery = deliveries.begin(delivery_id=str(Delivery.objects.get().pk), by=BY, now=db_now())
    deliveries.settle(
        delivery=delivery, answer=Answer(500, "The endpoint answered 500."), final=True, by=BY, now=db_now()
    )
    listed = owner.get("/admin/cms/delivery/").content.decode()
    assert "post hello" in listed
    assert "The endpoint answered 500." in listed
    page = owner.get(f"/admin/cms/delivery/{delivery.pk}/change/").content.decode()
    assert delivery.message_id in page
    assert f"<h2>{delivery}</h2>" in page
    assert str(delivery).startswith("Published: post ")
    assert "posts:hello" in page
    owner.post(f"/admin/cms/delivery/{delivery.pk}/action/again/")
    assert Delivery.objects.get().state == "failed"  # its first job waits still, and will send it
    assert owner.post("/admin/cms/delivery/add/").status_code == 403


def test_a_delivery_that_waits_for_its_next_try_says_when(owner, endpoint):
    factories.live(slug="hello")
    delivery = deliveries.begin(delivery_id=str(Delivery.objects.get().pk), by=BY, now=db_now())
    page = f"/admin/cms/delivery/{delivery.pk}/change/"
    assert "Being sent" in owner.get(page).content.decode()
    deliveries.settle(delivery=delivery, answer=Answer(None, "Refused."), final=False, by=BY, now=db_now())
    job = Job.objects.filter(kind=DELIVER)
    job.update(run_at=db_now() + timedelta(seconds=590))
    said = f"Will be tried again in 10 minutes: {words.moment(job.get().run_at)}"
    for path in (page, "/admin/cms/delivery/"):
        body = owner.get(path).content.decode()
        assert said in body
        assert "Refused." in body
    job.update(run_at=db_now())
    assert said[:13] not in owner.get(page).content.decode()


def test_a_test_message_is_called_one(owner, endpoint):
    delivery = deliveries.send_test(endpoint=endpoint, by=BY)
    assert str(delivery) == "Test"
    listed = owner.get("/admin/cms/delivery/").content.decode().partition('id="result_list"')[2]
    assert '<td class="field-happening">Test</td>' in listed
    assert "test" not in re.findall(r'<td class="field-what">(.*?)</td>', listed)[0]


@pytest.mark.parametrize(
    ("role", "may_look"), [("Editor", True), ("Auditor", True), ("Author", False), ("Sales", False)]
)
def test_others_do_not_touch_them(role, may_look, endpoint):
    client = client_of(role)
    assert client.get(LIST).status_code == (200 if may_look else 403)
    assert client.get("/admin/cms/delivery/").status_code == (200 if may_look else 403)
    for path, values in (
        (f"{LIST}add/", VALUES),
        (page_of(endpoint), {**VALUES, "label": "Mine"}),
        (f"{LIST}{endpoint.pk}/delete/", {"post": "yes"}),
        (f"{LIST}{endpoint.pk}/action/rotate/", {}),
        (f"{LIST}{endpoint.pk}/action/test/", {}),
    ):
        assert client.post(path, values).status_code == 403
    row = PublishEndpoint.objects.get()
    assert (row.label, bytes(row.secret_ciphertext)) == ("Site", bytes(endpoint.secret_ciphertext))
    assert Delivery.objects.count() == 0
