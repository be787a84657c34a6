"""Files in the back office."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from django.utils.timezone import localtime

from audit.models import AuditEvent
from bookings.tests.factories import make_booking
from common.actor import Actor
from common.clock import db_now
from jobs.models import Job
from uploads import decode, errors, selectors
from uploads.actions import ingest, processing
from uploads.constants import REASON_INFECTED, REASONS, Bucket
from uploads.models import File
from uploads.storage import get_storage
from uploads.storage.local import LocalStorage
from uploads.tests.factories import Bookings, arrived, make_user, picture, waiting

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


@pytest.fixture
def private(image: File, bookings: Bookings) -> File:
    """The picture as an attachment of a booking, where its object lies in the private bucket."""
    storage: Any = get_storage()
    for key in (image.clean_key, image.thumbnails[0]["key"]):
        storage.put(Bucket.PRIVATE, key, storage.path(Bucket.PUBLIC, key), content_type="image/webp")
    target: Any = {"purpose": "booking_attachment", "target_kind": "booking", "target_id": image.pk}
    File.objects.filter(pk=image.pk).update(**target)
    image.refresh_from_db()
    return image


def test_a_private_preview_comes_from_this_origin_and_is_written_down(private: File) -> None:
    client = browser("view_file", "view_booking")
    assert "/preview/" not in client.get(reverse("admin:uploads_file_changelist")).content.decode()
    shown = client.get(page(private)).content.decode()
    address = reverse("admin:uploads_file_preview", args=[private.pk])
    assert f'src="{address}"' in shown
    assert "/uploads/get/" not in shown, "no address that opens the file for whoever has it"
    assert AuditEvent.objects.filter(action="file.read").count() == 0
    answer = client.get(address)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/webp")
    assert (answer["Cache-Control"].startswith("private, no-store"), answer["X-Content-Type-Options"]) == (
        True,
        "nosniff",
    )
    assert answer.content.startswith(b"RIFF")
    assert AuditEvent.objects.filter(action="file.read").count() == 1


def test_a_preview_is_for_whoever_may_read_the_file(private: File) -> None:
    address = reverse("admin:uploads_file_preview", args=[private.pk])
    assert Client().get(address).status_code == 302
    nobody = browser("add_file")
    File.objects.filter(pk=private.pk).update(purpose="image", target_kind="", target_id=None)
    assert nobody.get(address).status_code == 404
    assert browser("view_file", "view_booking").get(address).status_code == 200
    File.objects.filter(pk=private.pk).update(state="missing")
    assert browser("view_file", "view_booking").get(address).status_code == 404


def test_a_lost_thumbnail_is_not_found(private: File, store: LocalStorage) -> None:
    store.delete(Bucket.PRIVATE, private.thumbnails[0]["key"])
    assert (
        browser("view_file", "view_booking").get(reverse("admin:uploads_file_preview", args=[private.pk])).status_code
        == 404
    )
    assert AuditEvent.objects.filter(action="file.read").count() == 0


def test_the_download_is_a_link_to_an_address_of_a_minute(private: File) -> None:
    client = browser("view_file", "view_booking")
    address = reverse("admin:uploads_file_download", args=[private.pk])
    assert f'href="{address}"' in client.get(page(private)).content.decode()
    answer = client.get(address)
    assert answer.status_code == 302
    assert "/uploads/get/" in answer["Location"]
    assert answer["Cache-Control"].startswith("private, no-store")
    assert AuditEvent.objects.filter(action="file.read").count() == 1
    File.objects.filter(pk=private.pk).update(state="missing")
    assert address not in client.get(page(private)).content.decode()
    refused = client.get(address, follow=True)
    assert refused.redirect_chain == [(page(private), 302)]
    assert '<li class="error">' in refused.content.decode()


def test_staff_who_may_not_see_the_booking_see_no_picture_of_it(private: File) -> None:
    client = browser("view_file")
    shown = client.get(page(private)).content.decode()
    for name in ("preview", "download"):
        address = reverse(f"admin:uploads_file_{name}", args=[private.pk])
        assert address not in shown
        assert client.get(address).status_code in {302, 404}
    assert AuditEvent.objects.filter(action="file.read").count() == 0


def test_staff_who_may_not_see_bookings_are_told_of_none_of_their_files(private: File) -> None:
    client, other = browser("view_file"), arrived(picture(), name="other.png")
    listed = client.get(reverse("admin:uploads_file_changelist")).content.decode()
    assert page(other) in listed
    assert page(private) not in listed
    assert private.name not in listed
    for address in (page(private), reverse("admin:uploads_file_history", args=[private.pk])):
        assert client.get(address)["Location"] == reverse("admin:index")


def test_what_was_announced_stands_beside_what_was_found() -> None:
    content = picture()
    file = arrived(
        content,
        state="rejected",
        reason="type_mismatch",
        observed_type="image/jpeg",
        observed_size=len(content),
        declared_size=len(content),
    )
    shown = browser("view_file").get(page(file)).content.decode()
    assert "image/jpeg; announced was image/png" in shown
    assert f"{len(content):,} bytes, as announced" in shown
    assert f"announced as {file.declared_sha256}; not seen yet" in shown
    assert "Another type than announced (type_mismatch)" in shown
    assert "Not scanned" in shown


def test_every_reason_that_is_written_has_its_words() -> None:
    codes = {value for name, value in vars(decode).items() if name.startswith("REASON_")}
    codes |= {value for name, value in vars(processing).items() if name.startswith("REASON_")}
    codes |= {error.code for error in (errors.SizeMismatch, errors.TypeMismatch, errors.ChecksumMismatch)}
    assert codes | {REASON_INFECTED} == set(REASONS)


def test_a_file_is_deleted_after_a_question(image: File) -> None:
    client, url = browser("view_file", "delete_file"), reverse("admin:uploads_file_action", args=[image.pk, "delete"])
    assert f'href="{url}"' in client.get(page(image)).content.decode()
    assert "This cannot be undone." in client.get(url).content.decode()
    image.refresh_from_db()
    assert image.state == "ready"
    assert client.post(url).status_code == 302
    image.refresh_from_db()
    assert image.state == "deleting"
    assert AuditEvent.objects.get(action="file.deleting").actor_kind == "staff"
    assert url not in client.get(page(image)).content.decode()
    assert client.post(url).status_code == 403


def test_deleting_needs_its_permission(image: File) -> None:
    url = reverse("admin:uploads_file_action", args=[image.pk, "delete"])
    assert browser("view_file", "change_file").post(url).status_code == 403
    image.refresh_from_db()
    assert image.state == "ready"


def test_the_start_page_is_told_of_failed_and_missing_files(image: File) -> None:
    assert [one.count for one in selectors.needs_you()] == [0, 0]
    arrived(picture(), state="failed", reason="attempts_spent", confirmed_at=db_now())
    File.objects.filter(pk=image.pk).update(state="missing")
    assert [(one.label, one.count, one.permission) for one in selectors.needs_you()] == [
        ("files that could not be processed", 1, "uploads.view_file"),
        ("files that have lost their object", 1, "uploads.view_file"),
    ]
    assert get_user_model().objects.count() == 0


def test_the_page_says_in_words_whose_file_it_is() -> None:
    colleague = make_user(email="ada@example.com")
    file = arrived(picture(), owner_kind="staff", owner_id=str(colleague.pk))
    address = reverse("admin:accounts_user_change", args=[colleague.pk])
    shown = browser("view_file").get(page(file)).content.decode()
    assert "ada@example.com" in shown
    assert str(colleague.pk) not in shown, "no link to a page that would be refused"
    assert "Owner kind" not in shown
    assert f'<a href="{address}">' in browser("view_file", "view_user").get(page(file)).content.decode()
    File.objects.filter(pk=file.pk).update(owner_id="forgotten")
    assert "A colleague who is no longer known (forgotten)" in browser("view_file").get(page(file)).content.decode()
    for kind, name, words in (("system", "tests", "This back end (tests)"), ("operator", "operator", "The operator")):
        File.objects.filter(pk=file.pk).update(owner_kind=kind, owner_id=name)
        assert words in browser("view_file").get(page(file)).content.decode()


def test_the_page_links_to_what_the_file_belongs_to(image: File) -> None:
    booking = make_booking()
    values: Any = {"purpose": "booking_attachment", "target_kind": "booking", "target_id": booking.pk}
    File.objects.filter(pk=image.pk).update(**values, owner_kind="customer", owner_id=str(booking.pk))
    shown = browser("view_file", "view_booking").get(page(image)).content.decode()
    address = reverse("admin:bookings_booking_change", args=[booking.pk])
    assert f'<a href="{address}">Booking {booking}</a>' in shown
    assert "The customer of this booking" in shown
    assert "Target id" not in shown
    File.objects.filter(pk=image.pk).update(target_id=image.pk)
    shown = browser("view_file", "view_booking").get(page(image)).content.decode()
    assert f"Booking {image.pk}, gone or not open to you" in shown


def test_the_page_of_a_file_that_arrived_does_not_say_when_its_signature_expires(image: File) -> None:
    client = browser("view_file")
    assert "Expires at" not in client.get(page(image)).content.decode()
    assert "Expires at" in client.get(page(arrived(picture()))).content.decode()


def test_the_page_says_that_a_failed_attempt_is_followed_by_another() -> None:
    file = waiting(picture())
    said = "The last attempt did not get through, as the virus scanner or the store was silent or the machine busy"
    client = browser("view_file")
    assert said not in client.get(page(file)).content.decode(), "it has not been tried yet"
    File.objects.filter(pk=file.pk).update(state="processing")
    Job.objects.update(run_at=datetime(2031, 1, 2, 12, 30, tzinfo=UTC))
    due = localtime(Job.objects.get().run_at)
    assert f"{said}. It is tried again at {due:%H:%M}." in client.get(page(file)).content.decode()
    Job.objects.update(state="done", finished_at=db_now())
    assert said not in client.get(page(file)).content.decode()


def test_the_page_names_every_object(image: File) -> None:
    shown = browser("view_file").get(page(image)).content.decode()
    for key in (image.clean_key, *(one["key"] for one in image.thumbnails)):
        assert key in shown
