"""Files in the back office."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from common.actor import Actor
from common.clock import db_now
from jobs.models import Job
from uploads import selectors
from uploads.actions import ingest
from uploads.models import File
from uploads.tests.factories import arrived, make_user, picture

pytestmark = pytest.mark.django_db


def browser(*codenames: str) -> Client:
    client = Client()
    client.force_login(make_user(*codenames), backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def image() -> File:
    return ingest(
        content=picture((400, 300)),
        filename="cover.png",
        content_type="image/png",
        purpose="image",
        by=Actor.operator(),
    )


def page(file: File) -> str:
    return reverse("admin:uploads_file_change", args=[file.pk])


def test_the_list_shows_a_picture_and_the_state(image: File) -> None:
    answer = browser("view_file").get(reverse("admin:uploads_file_changelist"))
    assert answer.status_code == 200
    assert selectors.variants(image)[0].url in answer.content.decode()
    assert "cover.png" in answer.content.decode()


def test_the_page_shows_and_changes_nothing(image: File) -> None:
    client = browser("view_file", "change_file")
    shown = client.get(page(image)).content.decode()
    assert selectors.public_url(image) in shown
    assert "400 x 300 px" in shown
    assert "Process again" not in shown
    assert client.post(page(image), {"name": "other.png"}).status_code == 403
    assert File.objects.get().name == "cover.png"


def test_a_failed_file_is_put_back_with_a_button(image: File) -> None:
    file = arrived(picture(), state="failed", reason="attempts_spent", confirmed_at=db_now())
    client = browser("view_file", "change_file")
    assert "Process again" in client.get(page(file)).content.decode()
    url = reverse("admin:uploads_file_action", args=[file.pk, "requeue"])
    assert client.get(url).status_code == 405
    assert client.post(url).status_code == 302
    file.refresh_from_db()
    assert (file.state, file.reason) == ("uploaded", "")
    assert Job.objects.filter(kind="uploads.process", args={"file_id": str(file.pk)}).count() == 1
    assert AuditEvent.objects.get(action="file.requeued").actor_kind == "staff"


def test_the_button_needs_its_permission() -> None:
    file = arrived(picture(), state="failed", reason="attempts_spent", confirmed_at=db_now())
    url = reverse("admin:uploads_file_action", args=[file.pk, "requeue"])
    assert browser("view_file").post(url).status_code == 403
    file.refresh_from_db()
    assert file.state == "failed"
    assert Job.objects.count() == 0


def test_opening_a_private_picture_is_written_down(image: File) -> None:
    target: Any = {"purpose": "booking_attachment", "target_kind": "booking", "target_id": image.pk}
    File.objects.filter(pk=image.pk).update(**target)
    client = browser("view_file")
    client.get(reverse("admin:uploads_file_changelist"))
    assert AuditEvent.objects.filter(action="file.read").count() == 0
    assert "/uploads/get/" in client.get(page(image)).content.decode()
    assert AuditEvent.objects.filter(action="file.read").count() == 1


def test_the_start_page_is_told_of_failed_files() -> None:
    assert [one.count for one in selectors.needs_you()] == [0]
    arrived(picture(), state="failed", reason="attempts_spent", confirmed_at=db_now())
    assert [(one.count, one.permission) for one in selectors.needs_you()] == [(1, "uploads.view_file")]
    assert get_user_model().objects.count() == 0
