"""The edge layer in two real server processes while people publish: never stale for a second, never a mix."""

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection

from cms.actions import publishing
from cms.tests import factories
from cms.tests.factories import BY
from devkit.processes import LOOPBACK, free_port, wait_until

ROOT = Path(__file__).parents[2]
START_SECONDS = 60
PUBLICATIONS = 6
STALE_SECONDS = 1.0
SLACK_SECONDS = 0.5  # for a machine that runs other tests at the same time

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def server():
    """The web process as the Procfile has it, on the test's database; yields its port."""
    port = free_port()
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    env = os.environ | {
        "DATABASE_URL": database,
        "DJANGO_SETTINGS_MODULE": "config.settings_test",
        "EDGE_CACHE": "on",
    }
    granian = os.fspath(Path(sys.executable).with_name("granian"))
    command = [granian, "--interface", "wsgi", "--host", LOOPBACK, "--port", str(port), "--blocking-threads", "4"]
    process = subprocess.Popen(
        [*command, "config.wsgi:application"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        assert wait_until(lambda: answers(port), seconds=START_SECONDS)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def answers(port):
    try:
        return ask(port, "/healthz")[0] == 200
    except OSError:
        return False


def ask(port, path):
    """(status, headers, body) of a GET."""
    link = HTTPConnection(LOOPBACK, port, timeout=10)
    try:
        link.request("GET", path)
        answer = link.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        link.close()


def look(port):
    """(asked at, content version, validator, title and excerpt by slug) of the list as a process shows it."""
    asked = time.monotonic()
    status, headers, body = ask(port, "/api/blogs?fields=slug,title,excerpt")
    assert status == 200
    found = json.loads(body)
    rows = {row["slug"]: (row["title"], row["excerpt"]) for row in found["data"]}
    return asked, found["meta"]["content_version"], headers["etag"], rows


class Reader(threading.Thread):
    """Asks one process for the list again and again, and keeps what it saw."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.seen, self.ended = port, [], threading.Event()

    def run(self):
        while not self.ended.is_set():
            self.seen.append(look(self.port))
            time.sleep(0.005)


def publish_often(item, marks):
    """Publish new words of an item; note when each was committed, and under which content version."""
    for step in range(1, PUBLICATIONS + 1):
        drafted = factories.edit(item, title=f"{item.slug} {step}", excerpt=f"{item.slug} {step}")
        item = publishing.publish(item=drafted, by=BY)
        marks.append((time.monotonic(), item.slug, step))
        time.sleep(0.35)
    connection.close()


def step_of(rows, slug):
    """The publication that a row shows; its title and excerpt must be of the same one."""
    title, excerpt = rows[slug]
    assert title == excerpt, "a row mixes two publications"
    return int(title.rsplit(" ", 1)[1])


def test_two_processes_show_every_publication_in_time_and_never_a_mix():
    items = [
        factories.live(slug=slug, title=f"{slug} 0", excerpt=f"{slug} 0", body="<p>Words.</p>")
        for slug in ("one", "two")
    ]
    with ExitStack() as stack:
        readers = [Reader(stack.enter_context(server())) for _ in range(2)]
        for reader in readers:
            reader.start()
        marks = []
        publishers = [threading.Thread(target=publish_often, args=(item, marks)) for item in items]
        for publisher in publishers:
            publisher.start()
        for publisher in publishers:
            publisher.join()
        time.sleep(STALE_SECONDS + SLACK_SECONDS)
        for reader in readers:
            reader.ended.set()
            reader.join(20)
            reader.seen.append(look(reader.port))

    assert len(marks) == 2 * PUBLICATIONS
    content_of = {}
    for reader in readers:
        assert len(reader.seen) > 20
        for asked, version, etag, rows in reader.seen:
            steps = {slug: step_of(rows, slug) for slug in ("one", "two")}
            # One version is one content, in either process: the same bytes' meaning, the same validator.
            assert content_of.setdefault(version, (etag, steps)) == (etag, steps)
            for committed, slug, step in marks:
                if asked > committed + STALE_SECONDS + SLACK_SECONDS:
                    assert steps[slug] >= step, f"{slug} {step} is stale after {asked - committed:.2f} s"
        versions = [version for _, version, _, _ in reader.seen]
        assert versions == sorted(versions), "a process went back to an older version"
        assert {slug: step_of(reader.seen[-1][3], slug) for slug in ("one", "two")} == {
            "one": PUBLICATIONS,
            "two": PUBLICATIONS,
        }
