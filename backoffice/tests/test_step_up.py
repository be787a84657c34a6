"""Forms, deletions and buttons of any admin that asks for a fresh confirmation."""

import pytest
from django.contrib import admin
from django.test import Client

from accounts.tests import factories
from cms.models import Tag
from common import clock

pytestmark = pytest.mark.django_db
LATER = 301


@pytest.fixture
def tag() -> Tag:
    return Tag.objects.create(name="Timber", slug="timber")


@pytest.fixture
def owner(client: Client, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(admin.site._registry[Tag], "reauth_to_save", True)
    client.force_login(factories.make_user("owner@example.com"))
    return client


def test_deleting_comes_after_the_confirmation(owner: Client, tag: Tag) -> None:
    address = f"/admin/cms/tag/{tag.pk}/delete/"
    with clock.shift(LATER):
        for answer in (owner.get(address), owner.post(address, {"post": "yes"})):
            assert answer.status_code == 302
            assert answer["Location"] == f"/auth/confirm?next={address.replace('/', '%2F')}"
        assert Tag.objects.filter(pk=tag.pk).exists()
        owner.post("/auth/confirm", {"password": factories.PASSWORD})
        assert owner.post(address, {"post": "yes"}).status_code == 302
    assert not Tag.objects.filter(pk=tag.pk).exists()


def test_looking_needs_none(owner: Client, tag: Tag) -> None:
    with clock.shift(LATER):
        assert owner.get(f"/admin/cms/tag/{tag.pk}/change/").status_code == 200
        assert owner.get("/admin/cms/tag/").status_code == 200


def test_changing_too_late_saves_nothing_and_keeps_the_words(owner: Client, tag: Tag) -> None:
    with clock.shift(LATER):
        page = owner.post(f"/admin/cms/tag/{tag.pk}/change/", {"name": "Wood", "slug": "wood"})
    assert page.status_code == 200
    assert 'value="Wood"' in page.content.decode()
    assert 'href="/auth/confirm"' in page.content.decode()
    tag.refresh_from_db()
    assert tag.name == "Timber"


def test_what_is_wrong_besides_is_said_too(owner: Client, tag: Tag) -> None:
    with clock.shift(LATER):
        page = owner.post(f"/admin/cms/tag/{tag.pk}/change/", {"name": "", "slug": "wood"}).content.decode()
    assert "This field is required." in page
    assert "first confirm that it is you" in page
