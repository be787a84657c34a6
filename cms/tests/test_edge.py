"""The layer in front of Django: the same answers, from stored bytes, never stale for a second."""

import threading
import time
import uuid
from wsgiref.util import setup_testing_defaults

import pytest
from django.core.cache import caches
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import OperationalError, close_old_connections

from cms import edge
from cms.actions import publishing, version
from cms.edge import EdgeLayer, VersionWatch, read_version
from cms.tests import factories
from cms.tests.factories import BY

pytestmark = pytest.mark.django_db
PER_REQUEST = "X-Request-ID"


class Clock:
    """A monotonic clock that stands until it is moved."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Counted:
    """Django's application, with a count of the calls that reach it."""

    def __init__(self):
        self.django = WSGIHandler()
        self.calls = 0

    def __call__(self, environ, start_response):
        self.calls += 1
        return self.django(environ, start_response)


def ask(application, path, *, method="GET", **headers):
    """(status, headers, body) of a request."""
    path, _, query = path.partition("?")
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "HTTP_HOST": "testserver"}
    environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    setup_testing_defaults(environ)
    taken = []
    body = b"".join(application(environ, lambda status, fields, exc_info=None: taken.extend((status, fields))))
    return taken[0], dict(taken[1]), body


@pytest.fixture(autouse=True)
def _one_connection(monkeypatch):
    """A test lives in a transaction of its connection, which requests must therefore not close."""
    monkeypatch.setattr(edge, "close_old_connections", lambda: None)
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def django():
    return Counted()


@pytest.fixture
def layer(django, clock):
    return EdgeLayer(django, watch=VersionWatch(read_version, clock))


def test_a_hit_is_the_miss_with_a_fresh_request_id(layer, django, django_assert_num_queries):
    factories.live()
    off = ask(Counted(), "/api/blogs?per_page=5")
    miss = ask(layer, "/api/blogs?per_page=5")
    with django_assert_num_queries(0):
        hit = ask(layer, "/api/blogs?per_page=5")
    assert django.calls == 1
    ids = {answer[1].pop(PER_REQUEST) for answer in (off, miss, hit)}
    assert len(ids) == 3
    assert off == miss == hit
    assert hit[0] == "200 OK"


def test_a_304_of_the_layer_is_that_of_django(layer, django_assert_num_queries):
    factories.live()
    etag = ask(layer, "/api/blogs")[1]["ETag"]
    with django_assert_num_queries(0):
        hit = ask(layer, "/api/blogs", if_none_match=etag)
    off = ask(Counted(), "/api/blogs", if_none_match=etag)
    assert hit[1].pop(PER_REQUEST) != off[1].pop(PER_REQUEST)
    assert hit == off
    assert hit[0] == "304 Not Modified"


def test_head_has_the_headers_and_no_body(layer):
    factories.live()
    get = ask(layer, "/api/blogs")
    head = ask(layer, "/api/blogs", method="HEAD")
    assert head[1].pop(PER_REQUEST) != get[1].pop(PER_REQUEST)
    assert (head[0], head[1], head[2]) == (get[0], get[1], b"")


def test_a_conditional_request_fills_the_store_with_the_whole_answer(layer):
    factories.live()
    assert ask(layer, "/api/blogs", if_none_match='"other"')[0] == "200 OK"
    assert ask(layer, "/api/blogs")[2].startswith(b'{"data"')


def test_the_order_of_parameters_does_not_matter(layer, django):
    factories.live()
    for query in ("sort=title&per_page=5", "per_page=5&sort=title"):
        ask(layer, f"/api/blogs?{query}")
    assert django.calls == 1


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/api/blogs", {"authorization": "Bearer x"}),
        ("/api/blogs", {"cookie": "a=b"}),
        ("/api/blogs?preview=x", {}),
        ("/api/blogs?view=draft", {}),
        ("/api/blogs", {"accept": "text/html"}),
        ("/api/blogs/post-1/slots", {}),
        ("/api/services/x/slots", {}),
        ("/api/blogs?x=1", {}),
        ("/api/blogs/nothing", {}),
        ("/healthz", {}),
        ("/api/schema-nothing", {}),
    ],
)
def test_what_is_not_public_content_is_never_stored(layer, django, path, headers):
    factories.live()
    statuses = {ask(layer, path, **headers)[0] for _ in range(2)}
    assert django.calls == 2
    assert len(layer._store) == 0
    assert len(statuses) == 1


def test_another_host_has_its_own_answers(layer):
    factories.live()
    assert ask(layer, "/api/blogs")[0] == "200 OK"
    assert ask(layer, "/api/blogs", host="evil.example")[0].startswith("400")


def test_two_processes_show_a_publication_within_a_second(clock, django):
    layers = [EdgeLayer(django, watch=VersionWatch(read_version, clock)) for _ in range(2)]
    item = factories.live(title="Old")
    for layer in layers:
        ask(layer, "/api/blogs")
    factories.republish(item, title="New")
    clock.now += 0.49
    assert [b'"Old"' in ask(layer, "/api/blogs")[2] for layer in layers] == [True, True]
    clock.now += 0.02
    assert [b'"New"' in ask(layer, "/api/blogs")[2] for layer in layers] == [True, True]
    publishing.unpublish(item=item, by=BY)
    clock.now += 0.51
    assert [b'"data":[]' in ask(layer, "/api/blogs")[2] for layer in layers] == [True, True]


def test_an_answer_made_during_a_publication_is_not_kept(clock):
    factories.live()

    def publishing_meanwhile(environ, start_response):
        version.bump(by=BY)
        return WSGIHandler()(environ, start_response)

    layer = EdgeLayer(publishing_meanwhile, watch=VersionWatch(read_version, clock))
    assert ask(layer, "/api/blogs")[0] == "200 OK"
    assert len(layer._store) == 0


def test_a_new_process_starts_warm_from_the_shared_cache(clock):
    factories.live()
    shared = caches["default"]
    first, second = Counted(), Counted()
    one = ask(EdgeLayer(first, watch=VersionWatch(read_version, clock), shared=shared), "/api/blogs")
    two = ask(EdgeLayer(second, watch=VersionWatch(read_version, clock), shared=shared), "/api/blogs")
    assert (first.calls, second.calls) == (1, 0)
    assert one[1].pop(PER_REQUEST) != two[1].pop(PER_REQUEST)
    assert one == two
    shared.clear()


def test_stored_bytes_outlast_the_database_for_five_minutes(clock):
    state = {"up": True, "reads": 0}

    def read():
        state["reads"] += 1
        if not state["up"]:
            raise OperationalError("away")
        return 7

    def application(environ, start_response):
        if not state["up"]:
            start_response("503 Service Unavailable", [])
            return [b""]
        start_response("200 OK", [("Cache-Control", "public, max-age=60"), ("ETag", '"x"')])
        return [b"stored"]

    layer = EdgeLayer(application, watch=VersionWatch(read, clock))
    ask(layer, "/api/blogs")
    state["up"] = False
    clock.now += 10
    reads = state["reads"]
    assert [ask(layer, "/api/blogs")[2] for _ in range(3)] == [b"stored"] * 3
    assert state["reads"] == reads + 1
    assert ask(layer, "/api/services")[0].startswith("503")
    clock.now += 285
    assert ask(layer, "/api/blogs")[2] == b"stored"
    clock.now += 10
    assert ask(layer, "/api/blogs")[0].startswith("503")
    state["up"] = True
    clock.now += 1
    assert ask(layer, "/api/blogs")[0] == "200 OK"


def test_one_thread_makes_what_is_missing(clock):
    calls = []

    def slow(environ, start_response):
        calls.append(threading.get_ident())
        time.sleep(0.2)
        start_response("200 OK", [("Cache-Control", "public"), ("ETag", '"x"')])
        return [b"bytes"]

    layer = EdgeLayer(slow, watch=VersionWatch(lambda: 1, clock))
    answers, barrier = [], threading.Barrier(6)

    def reader():
        barrier.wait()
        answers.append(ask(layer, "/api/blogs")[2])

    threads = [threading.Thread(target=reader) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [b"bytes"] * 6
    assert len(calls) == 1
    assert layer._flights == {}


def test_a_failure_of_the_one_that_makes_it_frees_the_others(clock):
    def broken(environ, start_response):
        raise RuntimeError("no")

    layer = EdgeLayer(broken, watch=VersionWatch(lambda: 1, clock))
    for _ in range(2):
        with pytest.raises(RuntimeError):
            ask(layer, "/api/blogs")
    assert layer._flights == {}


def test_the_store_is_bounded_and_forgets_what_was_not_used():
    store = edge.Store(entries=3, size=100)
    answers = {key: edge.Answer.made(1, "200 OK", [], bytes(30)) for key in "abcd"}
    for key in "abc":
        store.put(key, answers[key])
    assert store.get("a", 1) is answers["a"]
    store.put("d", answers["d"])
    assert [key for key in "abcd" if store.get(key, 1)] == ["a", "c", "d"]
    store.put("e", edge.Answer.made(1, "200 OK", [], bytes(90)))
    assert [key for key in "abcde" if store.get(key, 1)] == ["e"]
    assert store.get("e", 2) is None


def test_it_steps_aside_where_reads_are_limited(settings, django):
    assert isinstance(edge.wrap(django), EdgeLayer)
    settings.RATES = {**settings.RATES, "READ": object()}
    assert edge.wrap(django) is django


def test_request_ids_look_like_uuid7_and_never_repeat():
    ids = [edge.fresh_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert {(len(one), uuid.UUID(one).version, uuid.UUID(one).variant) for one in ids} == {(36, 7, uuid.RFC_4122)}


def test_bytes_of_a_query_are_never_taken_for_others(layer):
    # A server hands both on as Latin-1 text; Django reads the first as one letter and the second as two.
    factories.live()
    raw = ask(layer, "/api/blogs?q=\xc3\xa9")
    written = ask(layer, "/api/blogs?q=%C3%83%C2%A9")

    assert b"q=%C3%A9" in raw[2]
    assert b"q=%C3%83%C2%A9" in written[2]


def test_long_requests_leave_nothing_behind(layer, django):
    factories.live()
    assert ask(layer, f"/api/blogs?q={'a' * 5000}")[0].startswith("400")
    for _ in range(2):
        assert ask(layer, "/api/blogs", accept="application/json," + "x/y," * 1000)[0] == "200 OK"

    assert django.calls == 2
    assert layer._keys == {}


def test_what_answered_is_counted_for_prometheus(layer):
    factories.live("post", 1)
    before = {outcome: edge.TALLY.total(outcome) for outcome in ("hit", "not_modified", "miss")}
    _, headers, _ = ask(layer, "/api/blogs")
    ask(layer, "/api/blogs")
    ask(layer, "/api/blogs", if_none_match=headers["ETag"])
    counted = {outcome: edge.TALLY.total(outcome) - before[outcome] for outcome in before}
    assert counted == {"hit": 1, "not_modified": 1, "miss": 1}
    assert {sample.labels["outcome"] for family in edge.TALLY.collect() for sample in family.samples} == set(before)
