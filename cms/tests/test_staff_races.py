"""Two of the staff at once: one effect, and a refusal for the other."""

import pytest

from accounts.tests import factories as accounts
from audit.models import AuditEvent
from cms.models import Revision, SiteSettings, Tag
from cms.tests import factories
from common.tests.racing import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.concurrency]


@pytest.fixture
def two(transactional_db):
    """Two Editors who are signed in."""
    return [accounts.staff("Editor", email=f"{name}@example.com")[1] for name in ("ana", "ben")]


def answers(*calls):
    found = at_once(*calls)
    return sorted((one.status_code, one.json().get("code", "")) for one in found)


def test_two_patches_of_one_version(two):
    factories.draft()
    match = {"If-Match": '"v1"'}
    calls = [
        lambda client=client, word=word: client.patch("/api/blogs/post-1", {"excerpt": word}, headers=match)
        for client, word in zip(two, ("One.", "Two."), strict=True)
    ]
    assert answers(*calls) == [(200, ""), (412, "precondition_failed")]
    assert Revision.objects.count() == 2


def test_two_who_take_one_slug(two):
    calls = [lambda client=client: client.post("/api/blogs", {"title": "T", "slug": "same"}) for client in two]
    assert answers(*calls) == [(201, ""), (409, "slug_taken")]
    assert Revision.objects.count() == 1


def test_two_who_write_the_first_settings(two):
    body, match = {"identity": {"name": "The Studio"}}, {"If-Match": '"v0"'}
    calls = [lambda client=client: client.patch("/api/settings", body, headers=match) for client in two]
    assert answers(*calls) == [(200, ""), (412, "precondition_failed")]
    assert (SiteSettings.objects.count(), Revision.objects.count()) == (1, 1)


def test_two_who_make_one_tag(two):
    calls = [lambda client=client: client.post("/api/tags", {"name": "Delivery"}) for client in two]
    assert answers(*calls) == [(201, ""), (409, "slug_taken")]
    assert (Tag.objects.count(), AuditEvent.objects.filter(action="taxonomy.created").count()) == (1, 1)
