"""A layer in front of Django that answers public content from stored bytes while the content version stands.

It knows nothing of content but its addresses: the bytes are those that Django made, with a fresh request id. What it
does not answer goes to Django untouched, so taking it away changes nothing but the speed.
"""

import base64
import hashlib
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.conf import settings
from django.core.cache import BaseCache, caches
from django.db import DatabaseError, InterfaceError, close_old_connections, connection
from prometheus_client.core import REGISTRY, CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from cms import registry, selectors
from cms.api.caching import SERIALIZER_VERSION, matches
from common.parameters import LONGEST_QUERY_BYTES

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
Headers = list[tuple[str, str]]

POLL_SECONDS = 0.5
WAIT_FOR_VERSION_AFTER_SECONDS = 0.9  # older than this, the version is awaited, so that nothing is stale for a second
RETRY_SECONDS = 1.0
OUTAGE_SECONDS = 300
FLIGHT_SECONDS = 5.0
SHARED_SECONDS = 3600
STORED_BYTES = 32 * 1024 * 1024
ENTRY_BYTES = 1024 * 1024
ENTRIES = 4096
ALIASES = 16384
ALIAS_CHARACTERS = 1024
COUNTER_BITS = 48

OTHER_PATHS = ("tags", "categories", "technologies", "authors", "redirects", "changes")
PRIVATE_PARAMETERS = frozenset({"preview", "view"})
JSON_RANGES = frozenset({"*/*", "application/*", "application/json", "application/problem+json", ""})
NOT_IN_304 = frozenset({"content-type", "content-length", "link"})
PER_REQUEST = frozenset({"x-request-id", "date", "server", "connection"})


class Tally(Collector):
    """Counts answers without a lock that they would wait for: taking a number is one step of the interpreter.

    Whoever looks takes a number too, which is deducted from then on.
    """

    def __init__(self, *outcomes: str) -> None:
        self._numbers = {outcome: count() for outcome in outcomes}
        self._looks = dict.fromkeys(outcomes, 0)
        self._lock = threading.Lock()

    def counter(self, outcome: str) -> Callable[[], int]:
        """Return the function that counts one answer."""
        return self._numbers[outcome].__next__

    def total(self, outcome: str) -> int:
        """Return how many there were."""
        with self._lock:
            looks, self._looks[outcome] = self._looks[outcome], self._looks[outcome] + 1
            return next(self._numbers[outcome]) - looks

    def collect(self) -> Iterable[Metric]:
        """Tell Prometheus."""
        about = "Requests for public content at the edge layer, by what answered"
        family = CounterMetricFamily("cms_edge_requests", about, labels=["outcome"])
        for outcome in self._numbers:
            family.add_metric([outcome], self.total(outcome))
        return [family]


TALLY = Tally("hit", "not_modified", "miss")
REGISTRY.register(TALLY)
_count_hit, _count_not_modified, _count_miss = (TALLY.counter(one) for one in ("hit", "not_modified", "miss"))


class RequestIds:
    """Request ids in the shape of UUIDv7 (RFC 9562 §5.7, its counter as in §6.2), 20 times faster than `common.ids`.

    What is random is drawn once a process: the digits before the counter, and where the counter begins.
    """

    def __init__(self) -> None:
        self._next = count(secrets.randbits(COUNTER_BITS - 1)).__next__  # no process lives to see it pass 48 bits
        self._random = f"-7{secrets.randbits(12):03x}-{secrets.randbits(14) | 0x8000:04x}-"
        self._head = (0, "")

    def __call__(self) -> str:
        """Return a fresh one; its time is that of the whole millisecond."""
        stamp = time.time_ns() // 1_000_000
        at, head = self._head
        if at != stamp:
            head = f"{stamp >> 16:08x}-{stamp & 0xFFFF:04x}{self._random}"
            self._head = (stamp, head)
        return head + "%012x" % self._next()  # noqa: UP031 - a third faster than an f-string


fresh_id = RequestIds()


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response; `version` is the content version that it was stored under."""

    version: int
    status: str
    headers: Headers
    body: bytes
    etag: str
    headers_304: Headers

    @classmethod
    def made(cls, version: int, status: str, headers: Headers, body: bytes) -> "Answer":
        """Prepare both forms, with and without a body."""
        etag = next((value for name, value in headers if name.lower() == "etag"), "")
        short = [(name, value) for name, value in headers if name.lower() not in NOT_IN_304]
        return cls(version, status, headers, body, etag, short)


class VersionWatch:
    """The content version as this process knows it: read again at most every half second."""

    def __init__(self, read: Callable[[], int], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._number: int | None = None
        self._known_at = float("-inf")
        self._retry_at = float("-inf")

    def current(self) -> int | None:
        """Return the version, or None when it cannot be known: the database is away and has been for too long."""
        now = self._monotonic()
        age = now - self._known_at
        if age < POLL_SECONDS:
            return self._number
        if now < self._retry_at:
            return self._number if age <= OUTAGE_SECONDS else None
        must_wait = age >= WAIT_FOR_VERSION_AFTER_SECONDS and self._retry_at == float("-inf")
        if self._lock.acquire(blocking=must_wait):
            try:
                if self._monotonic() - self._known_at >= POLL_SECONDS:
                    self._ask()
            finally:
                self._lock.release()
        return self._number if self._monotonic() - self._known_at <= OUTAGE_SECONDS else None

    def fresh(self) -> int | None:
        """Read the version now; None when the database does not answer."""
        with self._lock:
            return self._ask()

    def _ask(self) -> int | None:
        started = self._monotonic()
        try:
            self._number = self._read()
        except (DatabaseError, InterfaceError):
            self._retry_at = self._monotonic() + RETRY_SECONDS
            return None
        self._known_at, self._retry_at = started, float("-inf")
        return self._number


def read_version() -> int:
    """Ask the database on this thread's connection, which is dropped when it is broken."""
    close_old_connections()
    try:
        return selectors.content_version().number
    except (DatabaseError, InterfaceError):
        connection.close()
        raise


class Store:
    """Answers by key, bounded in number and bytes; the least recently used goes first."""

    def __init__(self, entries: int = ENTRIES, size: int = STORED_BYTES) -> None:
        self._entries, self._size = entries, size
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def get(self, key: str, version: int) -> Answer | None:
        """Return the answer of this version."""
        found = self._answers.get(key)
        if found is None or found.version != version:
            return None
        try:
            self._answers.move_to_end(key)  # one step of the interpreter, so no lock that every reader would wait for
        except KeyError:  # dropped a moment ago
            return None
        return found

    def put(self, key: str, answer: Answer) -> None:
        """Keep an answer in the place of any older one."""
        with self._lock:
            old = self._answers.pop(key, None)
            self._held += len(answer.body) - (len(old.body) if old else 0)
            self._answers[key] = answer
            while self._held > self._size or len(self._answers) > self._entries:
                _, dropped = self._answers.popitem(last=False)
                self._held -= len(dropped.body)

    def __len__(self) -> int:
        return len(self._answers)


class EdgeLayer:
    """The WSGI application around Django's."""

    def __init__(
        self, application: Application, *, watch: VersionWatch | None = None, shared: BaseCache | None = None
    ) -> None:
        self._application = application
        self._watch = watch or VersionWatch(read_version)
        self._shared = shared
        self._store = Store()
        self._keys: dict[tuple[str, ...], str | None] = {}
        self._flights: dict[str, threading.Lock] = {}
        self._flights_lock = threading.Lock()
        self._paths = _paths()
        about = (SERIALIZER_VERSION, settings.API_VERSION, settings.PUBLIC_URL, settings.MEDIA_BASE_URL)
        self._prefix = f"edge:{hashlib.sha256(repr(about).encode()).hexdigest()[:16]}"

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer from stored bytes, or make them and keep them, or leave the request to Django."""
        if (key := self._key(environ)) is None or (version := self._watch.current()) is None:
            return self._application(environ, start_response)
        answer = self._store.get(key, version)
        if answer is None:
            return self._miss(key, version, environ, start_response)
        return _reply(answer, environ, start_response, fresh_id())

    def _key(self, environ: Environ) -> str | None:
        """Return the key of what is asked for, None for what is not ours to store."""
        if (
            "HTTP_AUTHORIZATION" in environ
            or "HTTP_COOKIE" in environ
            or environ["REQUEST_METHOD"] not in {"GET", "HEAD"}
        ):
            return None
        get = environ.get
        raw = (
            environ["PATH_INFO"],
            get("QUERY_STRING", ""),
            get("HTTP_ACCEPT", ""),
            get("HTTP_ACCEPT_ENCODING", ""),
            get("HTTP_HOST", ""),
            get("HTTP_X_FORWARDED_PROTO", "") or get("wsgi.url_scheme", ""),
        )
        try:
            return self._keys[raw]
        except KeyError:
            key = self._normal(*raw)
            if sum(map(len, raw)) <= ALIAS_CHARACTERS:
                if len(self._keys) >= ALIASES:
                    self._keys.clear()
                self._keys[raw] = key
            return key

    def _normal(self, path: str, query: str, accept: str, encoding: str, host: str, scheme: str) -> str | None:
        """Bring requests for the same bytes to the same key; the order of parameters does not matter."""
        if len(query) > LONGEST_QUERY_BYTES or not query.isascii():  # Django reads bytes as they are in another way
            return None
        parameters = sorted(parse_qsl(query, keep_blank_values=True))
        ranges = {part.partition(";")[0].strip() for part in accept.lower().split(",")}
        if (
            not self._paths.match(path)
            or any(name in PRIVATE_PARAMETERS for name, _ in parameters)
            or not ranges & JSON_RANGES
        ):
            return None
        coding = "gzip" if "gzip" in encoding.lower() else "identity"
        return " ".join((scheme, host, path, urlencode(parameters), coding))

    def _miss(self, key: str, version: int, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Let one thread make the answer; the others wait for it, and help themselves if there is none to keep."""
        with self._flights_lock:
            flight = self._flights.setdefault(key, threading.Lock())
        first = flight.acquire(blocking=False)
        if not first and flight.acquire(timeout=FLIGHT_SECONDS):
            flight.release()
        if not first:
            answer = self._store.get(key, version)
            if answer is None:
                return self._application(environ, start_response)
            return _reply(answer, environ, start_response, fresh_id())
        try:
            answer = self._from_shared(key, version)
            if answer is not None:
                return _reply(answer, environ, start_response, fresh_id())
            return self._make(key, version, environ, start_response)
        finally:
            with self._flights_lock:
                self._flights.pop(key, None)
            flight.release()

    def _make(self, key: str, version: int, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        _count_miss()
        request_id = fresh_id()
        asked = {name: value for name, value in environ.items() if not name.startswith("HTTP_IF_")}
        asked |= {"REQUEST_METHOD": "GET", "studio.request_id": request_id}
        status, headers, body = _whole(self._application, asked)
        kept = [(name, value) for name, value in headers if name.lower() not in PER_REQUEST]
        answer = Answer.made(version, status, kept, body)
        # Read again: what was made while somebody published may hold a bit of both versions.
        if _may_be_kept(answer) and self._watch.fresh() == version:
            self._store.put(key, answer)
            if self._shared is not None:
                text = base64.b64encode(body).decode()
                self._shared.set(self._shared_key(key, version), (status, kept, text), SHARED_SECONDS)
        return _reply(answer, environ, start_response, request_id, counted=False)

    def _from_shared(self, key: str, version: int) -> Answer | None:
        if self._shared is None:
            return None
        found = self._shared.get(self._shared_key(key, version))
        if found is None:
            return None
        status, headers, text = found
        answer = Answer.made(version, status, [(name, value) for name, value in headers], base64.b64decode(text))
        self._store.put(key, answer)
        return answer

    def _shared_key(self, key: str, version: int) -> str:
        return f"{self._prefix}:{version}:{hashlib.sha256(key.encode()).hexdigest()}"


def _paths() -> re.Pattern[str]:
    """Match the addresses of public content, and no others below them."""
    items = [re.escape(kind.path) for kind in registry.all_types()]
    rows = [re.escape(one.path) for one in registry.all_singletons()]
    lists = "|".join((*rows, *OTHER_PATHS))
    return re.compile(rf"/api/(?:(?:{'|'.join(items)}|authors)/[a-z0-9-]+|{'|'.join(items)}|{lists})\Z", re.ASCII)


def _whole(application: Application, environ: Environ) -> tuple[str, Headers, bytes]:
    """Run the application and take its whole answer."""
    taken: list[Any] = []

    def start(status: str, headers: Headers, exc_info: Any = None) -> Any:
        taken[:] = [status, headers]
        return lambda _data: None

    chunks = application(environ, start)
    try:
        body = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    return taken[0], list(taken[1]), body


def _may_be_kept(answer: Answer) -> bool:
    names = {name.lower() for name, _ in answer.headers}
    shared = any(name.lower() == "cache-control" and value.startswith("public") for name, value in answer.headers)
    return (
        answer.status.startswith("200 ")
        and shared
        and bool(answer.etag)
        and "set-cookie" not in names
        and len(answer.body) <= ENTRY_BYTES
    )


def _reply(
    answer: Answer, environ: Environ, start_response: StartResponse, request_id: str, *, counted: bool = True
) -> Iterable[bytes]:
    given = environ.get("HTTP_IF_NONE_MATCH")
    if given is not None and answer.etag and (given == answer.etag or matches(given, answer.etag)):
        if counted:
            _count_not_modified()
        start_response("304 Not Modified", [*answer.headers_304, ("X-Request-ID", request_id)])
        return []
    if counted:
        _count_hit()
    start_response(answer.status, [*answer.headers, ("X-Request-ID", request_id)])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]


def wrap(application: Application) -> Application:
    """Put the layer in front of Django's application; it steps aside where each read must be counted for a limit."""
    if settings.RATES["READ"] is not None:
        return application
    return EdgeLayer(application, shared=caches["default"] if settings.REDIS_URL else None)
