"""The list of changes: every publication, in the order of versions, with nothing skipped."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from cms import selectors
from cms.actions import changes, publishing, version
from cms.models import Change, ContentVersion
from cms.tests import factories
from cms.tests.factories import BY
from common.clock import db_now
from common.tests.racing import at_once

PATH = "/api/changes"


def told(answer):
    """(type, slug, previous slug) of each change."""
    return [(one["type"], one["data"]["slug"], one["data"]["previous_slug"]) for one in answer.json()["data"]]


@pytest.mark.django_db
def test_the_example_of_the_contract(api):
    post = factories.live(slug="fridays")
    since = selectors.content_version().number
    factories.republish(post, slug="shipping-on-fridays")

    answer = api.get(f"{PATH}?since={since}")

    change = Change.objects.get(version=since + 1)
    assert answer.status_code == 200
    assert answer.json() == {
        "data": [
            {
                "version": since + 1,
                "at": change.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "type": "content.published",
                "data": {
                    "type": "post",
                    "slug": "shipping-on-fridays",
                    "previous_slug": "fridays",
                    "paths": ["/api/blogs/shipping-on-fridays", "/api/blogs/fridays", "/api/blogs"],
                    "tags": ["posts", "posts:shipping-on-fridays", "posts:fridays"],
                },
            }
        ],
        "meta": {"per_page": 20, "content_version": since + 1},
        "links": {"self": f"http://testserver{PATH}?since={since}", "next": None, "prev": None},
    }
    assert answer["Surrogate-Key"] == answer["Cache-Tag"] == "changes"
    assert answer["Cache-Control"].startswith("public, max-age=60")


@pytest.mark.django_db
@pytest.mark.parametrize("move", ["unpublish", "archive"])
def test_what_goes_is_told_by_the_slug_that_was_public(api, move):
    post = factories.edit(factories.live(slug="seen"), slug="secret-draft")
    since = selectors.content_version().number
    getattr(publishing, move)(item=post, by=BY)

    answer = api.get(f"{PATH}?since={since}")

    assert told(answer) == [("content.unpublished", "seen", None)]
    assert answer.json()["data"][0]["data"]["tags"] == ["posts", "posts:seen"]
    assert "secret-draft" not in answer.content.decode()


@pytest.mark.django_db
def test_settings_have_no_slug(api):
    since = selectors.content_version().number
    factories.site()
    data = api.get(f"{PATH}?since={since}").json()["data"][0]["data"]
    assert data == {
        "type": "settings",
        "slug": None,
        "previous_slug": None,
        "paths": ["/api/settings"],
        "tags": ["settings"],
    }


@pytest.mark.django_db
def test_moves_that_nobody_sees_leave_nothing(api):
    post = factories.draft()
    publishing.submit(item=post, by=BY)
    publishing.unsubmit(item=post, by=BY)
    publishing.trash(item=post, by=BY)
    publishing.restore(item=post, by=BY)
    assert Change.objects.count() == 0


@pytest.mark.django_db
def test_pages_go_forth_and_back_from_the_oldest(api):
    for number in range(5):
        factories.live("post", number)
    first = api.get(f"{PATH}?since=0&per_page=2")
    second = api.get(first.json()["links"]["next"])
    third = api.get(second.json()["links"]["next"])
    back = api.get(third.json()["links"]["prev"])

    assert [told(page) for page in (first, second, third)] == [
        [("content.published", f"post-{number}", None) for number in numbers] for numbers in ((0, 1), (2, 3), (4,))
    ]
    assert first.json()["links"]["prev"] is None
    assert third.json()["links"]["next"] is None
    assert back.json()["data"] == second.json()["data"]
    assert api.get(back.json()["links"]["prev"]).json()["data"] == first.json()["data"]


@pytest.mark.django_db
def test_what_comes_while_someone_pages_neither_repeats_nor_hides(api):
    for number in range(3):
        factories.live("post", number)
    first = api.get(f"{PATH}?since=0&per_page=2").json()
    factories.live("post", 3)
    second = api.get(first["links"]["next"])
    assert [slug for _, slug, _ in told(second)] == ["post-2", "post-3"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("", "since"),
        ("?since=", "since"),
        ("?since=-1", "since"),
        ("?since=1.5", "since"),
        ("?since=9999999999999999999", "since"),
        ("?since=1&since=2", "since"),
        ("?since=1&page=2", "page"),
        ("?since=1&per_page=0", "per_page"),
        ("?since=1&per_page=101", "per_page"),
        ("?since=1&cursor=xx", "cursor"),
        ("?since=%00", "since"),
    ],
)
def test_abuse_is_refused(api, query, parameter):
    answer = api.get(PATH + query)
    assert answer.status_code == 400
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


@pytest.mark.django_db
def test_a_cursor_is_bound_to_its_start(api):
    for number in range(3):
        factories.live("post", number)
    cursor = api.get(f"{PATH}?since=0&per_page=1").json()["links"]["next"].partition("cursor=")[2]
    assert api.get(f"{PATH}?since=1&per_page=1&cursor={cursor}").status_code == 400


@pytest.mark.django_db
def test_a_304_costs_one_query(api, django_assert_num_queries):
    factories.live()
    etag = api.get(f"{PATH}?since=0")["ETag"]
    with django_assert_num_queries(1):
        assert api.get(f"{PATH}?since=0", HTTP_IF_NONE_MATCH=etag).status_code == 304
    with django_assert_num_queries(2):
        assert api.get(f"{PATH}?since=0").status_code == 200


@pytest.mark.django_db
def test_what_is_no_longer_kept_is_said(api):
    old = factories.live("post", 1, now=db_now() - timedelta(days=changes.KEEP_DAYS + 1))
    gone = selectors.content_version().number
    factories.live("post", 2)

    assert changes.forget(by=BY, now=db_now()) == 1

    assert ContentVersion.objects.get().changes_after == gone
    assert api.get(f"{PATH}?since={gone - 1}").status_code == 410
    assert [slug for _, slug, _ in told(api.get(f"{PATH}?since={gone}"))] == ["post-2"]
    assert changes.forget(by=BY, now=db_now()) == 0
    assert old.pk is not None


def publisher(number, count):
    def work():
        for step in range(count):
            factories.live("post", f"{number}-{step}")

    return work


def follow(seen, stop):
    """A reader that begins anew at the last version seen, and takes one row at a time."""
    last = 0
    while True:
        ended = stop.is_set()
        rows, newest = selectors.changes_since(last)
        found = list(rows.order_by("version").values_list("version", "data__slug")[:1])
        seen += found
        if not found and ended:
            break
        last = found[0][0] if found else newest.number
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_reader_that_follows_two_publishers_misses_nothing():
    seen, stop = [], threading.Event()
    reader = threading.Thread(target=follow, args=(seen, stop))
    reader.start()
    outcomes = at_once(publisher(1, 6), publisher(2, 6))
    stop.set()
    reader.join(30)

    assert outcomes == [None, None]
    versions = [number for number, _ in seen]
    assert versions == sorted(set(versions))
    assert sorted(slug for _, slug in seen) == sorted(f"post-{one}-{step}" for one in (1, 2) for step in range(6))


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_of_the_version_a_reader_would_miss_one():
    """The negative control: numbers given out before the commit in any order hide the slower one."""
    number = version.bump(by=BY)
    ready, done = threading.Event(), threading.Event()

    def slow():
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(
                "INSERT INTO cms_change (version, at, type, item_type, item_id, data) "
                "VALUES (%s, now(), 'content.published', 'post', 'x', '{}')",
                [number + 1],
            )
            ready.set()
            done.wait(10)
            cursor.execute("COMMIT")
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    ready.wait(10)
    ContentVersion.objects.update(number=number + 2)  # somebody who did not wait for the row
    _, newest = selectors.changes_since(number)
    missed = list(selectors.changes_since(number)[0])
    done.set()
    thread.join(10)
    assert missed == []
    assert newest.number == number + 2
    assert [one.version for one in selectors.changes_since(number)[0]] == [number + 1]
