"""PostgreSQL away: 503 but for what is stored, no job done blind, and all of it back without a restart."""

import os
import signal
import time

import pytest

from tests.degradation.stack import wait_until

pytestmark = pytest.mark.xdist_group("degradation")  # one running system for all of them
LISTING = "/api/services"


def test_postgresql_goes_and_comes_back_without_a_restart(stack):
    fresh = stack.get(LISTING)
    stored = stack.get(LISTING)
    assert (stored.status, stored.body) == (200, fresh.body)
    before = len(stack.provider.taken)
    with stack.paused(stack.processes["runner"].pid):
        assert stack.book().status == 201
        os.kill(stack.postgres.process.pid, signal.SIGQUIT)  # at once, as in a crash
        stack.postgres.stop()
    calls = stack.provider.calls

    for path in ("/api/services/discovery-workshop", f"{LISTING}?q=other", "/"):
        answer = stack.get(path)
        assert (path, answer.status, answer.headers["Retry-After"]) == (path, 503, "5")
    booked = stack.book()
    assert (booked.status, booked.json["code"], booked.headers["Retry-After"]) == (503, "database_unavailable", "5")
    again = stack.get(LISTING)
    assert (again.status, again.body) == (200, fresh.body)
    assert stack.get("/healthz").status == 200
    for path in ("/health", "/readyz"):
        answer = stack.get(path)
        assert (answer.status, answer.json["status"]) == (503, "down")
        assert answer.json["checks"] == {"database": {"status": "down", "reason": "unreachable"}}
        assert answer.headers["Retry-After"] == "5"

    time.sleep(1.5)  # several polls
    assert stack.provider.calls == calls, "a job was run that nobody could have claimed"
    stack.postgres.start()
    wait_until(lambda: stack.get("/readyz").status == 200, stack.log("web"), seconds=10)
    wait_until(lambda: len(stack.provider.taken) == before + 1, stack.log("runner"), seconds=10)
    assert stack.book().status == 201
    wait_until(lambda: len(stack.provider.taken) == before + 2, stack.log("runner"), seconds=10)
    assert stack.is_alive()
    ends = "SELECT array_agg(state ORDER BY id DESC) FROM (SELECT * FROM mail_message ORDER BY id DESC LIMIT 2) AS last"
    wait_until(lambda: stack.sql(ends) == [(["sent", "sent"],)], stack.log("runner"), seconds=10)
