"""Acts that start at the same moment, each in a thread with a connection of its own."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection


def abreast(*acts: Callable[[], Any]) -> list[Any]:
    """What each act returned, in their order."""
    barrier = threading.Barrier(len(acts))
    results: list[Any] = [None] * len(acts)

    def run(number: int, act: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(30)
            results[number] = act()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number, act)) for number, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return results


def outcome(answer: Any) -> tuple[int, str]:
    """Status, and code of a problem."""
    body = answer.json() if answer.content else {}
    return answer.status_code, body.get("code", "")
