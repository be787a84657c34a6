"""Addresses: what may be one, who has it, and where an old one leads."""

import pytest

from cms.actions import drafts, publishing
from cms.constants import RESERVED_SLUGS, SLUG_MAX
from cms.errors import SlugTaken
from cms.models import Post, SlugClaim, SlugHistory
from cms.tests import factories
from cms.tests.factories import BY
from common.errors import ValidationFailed

pytestmark = pytest.mark.django_db


def hop(api, slug):
    """The status of an address, and where it leads."""
    answer = api.get(f"/api/blogs/{slug}")
    return answer.status_code, answer.get("Location", "").rpartition("/")[2]


def held(item):
    return set(SlugClaim.objects.filter(item_id=str(item.pk)).values_list("slug", flat=True))


def test_renames_are_one_hop_each_and_a_reused_address_is_its_new_owners(api):
    first = factories.live(slug="a")
    for slug in ("b", "c"):
        first = factories.republish(first, slug=slug)
    assert [hop(api, slug) for slug in "abc"] == [(301, "c"), (301, "c"), (200, "")]

    second = factories.live(number=2, slug="b")
    assert [hop(api, slug) for slug in "abc"] == [(301, "c"), (200, ""), (200, "")]
    second = factories.republish(second, slug="d")
    assert [hop(api, slug) for slug in "abcd"] == [(301, "c"), (301, "d"), (200, ""), (200, "")]


def test_going_back_to_an_old_address_makes_no_loop(api):
    item = factories.live(slug="a")
    for slug in ("b", "a", "b"):
        item = factories.republish(item, slug=slug)
    assert [hop(api, slug) for slug in "ab"] == [(301, "b"), (200, "")]
    assert SlugHistory.objects.count() == 2


def test_two_items_that_swap_addresses(api):
    one, two = factories.live(slug="one"), factories.live(number=2, slug="two")
    one = factories.republish(one, slug="between")
    factories.republish(two, slug="one")
    factories.republish(one, slug="two")
    assert api.get("/api/blogs/one").json()["id"] == str(two.pk)
    assert api.get("/api/blogs/two").json()["id"] == str(one.pk)
    assert hop(api, "between") == (301, "two")


def test_a_rename_becomes_true_when_it_is_published(api):
    item = factories.edit(factories.live(slug="old"), slug="newer")
    assert (hop(api, "old"), hop(api, "newer")) == ((200, ""), (404, ""))
    assert held(item) == {"old", "newer"}
    item = publishing.publish(item=item, by=BY)
    assert (hop(api, "old"), hop(api, "newer")) == ((301, "newer"), (200, ""))
    assert held(item) == {"newer"}


def test_a_rename_that_was_never_published_leaves_nothing(api):
    item = factories.edit(factories.edit(factories.live(slug="old"), slug="never"), slug="old")
    assert held(item) == {"old"}
    assert (hop(api, "never"), item.has_unpublished_changes) == ((404, ""), True)


def test_addresses_of_what_was_taken_off_lead_nowhere_until_it_is_back(api):
    item = publishing.unpublish(item=factories.republish(factories.live(slug="a"), slug="b"), by=BY)
    assert [hop(api, slug) for slug in "ab"] == [(410, ""), (410, "")]
    item = publishing.trash(item=item, by=BY)
    assert [hop(api, slug) for slug in "ab"] == [(410, ""), (410, "")]
    assert held(item) == set()
    item = publishing.publish(item=publishing.restore(item=item, by=BY), by=BY)
    assert [hop(api, slug) for slug in "ab"] == [(301, "b"), (200, "")]
    assert held(item) == {"b"}


def test_a_draft_that_takes_a_former_address_is_told_from_nothing_by_nobody(api):
    factories.republish(factories.live(slug="a"), slug="b")
    factories.draft(number=2, slug="a")
    assert hop(api, "a") == (301, "b")


@pytest.mark.parametrize(
    "slug", [*sorted(RESERVED_SLUGS), "Upper", "ä", "a b", "a/b", "a--b", "-a", "a-", "日本", "a_b"]
)
def test_what_may_not_be_an_address_is_refused_wherever_it_comes_from(slug):
    item = factories.draft(slug="mine")
    for write in (
        lambda: factories.draft(number=2, slug=slug),
        lambda: drafts.save(item=item, values={"slug": slug}, by=BY),
        lambda: drafts.autosave(item=item, values={"slug": slug}, by=BY, expected_version=1),
    ):
        with pytest.raises(ValidationFailed) as caught:
            write()
        assert {fault.pointer for fault in caught.value.errors} == {"#/slug"}
    assert list(Post.objects.values_list("draft_slug", "lock_version")) == [("mine", 1)]


def test_addresses_of_any_length_up_to_the_limit(api):
    longest = "x" * SLUG_MAX
    assert factories.live(slug=longest).slug == longest
    assert hop(api, longest) == (200, "")
    with pytest.raises(ValidationFailed):
        factories.draft(number=2, slug=longest + "x")
    with pytest.raises(SlugTaken):
        factories.draft(number=2, slug=longest)
    assert hop(api, "x" * (SLUG_MAX + 1))[0] == 404


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Zürich & Nairobi!", "zurich-nairobi"),
        ("ÆØÅ Straße", "a-strae"),
        ("  --  ", "untitled"),
        ("日本", "untitled"),
        ("New", "new-2"),
        ("snake_case", "snake-case"),
        ("UPPER lower", "upper-lower"),
        ("١٢٣", "untitled"),
    ],
)
def test_an_address_is_made_of_the_title(title, slug):
    assert factories.draft(title=title).slug == slug


def test_emptying_the_address_keeps_it():
    item = factories.live(slug="mine")
    assert factories.edit(item, slug="", title="Other").draft_slug == "mine"
