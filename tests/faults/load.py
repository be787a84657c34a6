"""Visitors who ask until they are answered: `python -m tests.faults.load URL COUNT` prints what they lived through."""

import json
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid

VISITORS = 4
ANSWER_SECONDS = 3
AGAIN_SECONDS = 0.1
PATIENCE_SECONDS = 120
PACE_SECONDS = 0.01


class Load:
    """`count` requests by a few visitors; an answer that was lost is asked for again with the same key."""

    def __init__(self, url: str, count: int) -> None:
        self._url = url
        self._keys = [str(uuid.uuid4()) for _ in range(count)]
        self._lock = threading.Lock()
        self.answered = 0
        self.lost_answers = 0
        self.slowest = 0.0

    def run(self) -> None:
        """Ask for everything."""
        threads = [threading.Thread(target=self._visit) for _ in range(VISITORS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _visit(self) -> None:
        while True:
            with self._lock:
                if not self._keys:
                    return
                key = self._keys.pop()
            self._ask_until_answered(key)
            time.sleep(PACE_SECONDS)

    def _ask_until_answered(self, key: str) -> None:
        ends = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends:
            began = time.monotonic()
            answered = self._ask(key)
            with self._lock:
                self.answered += answered
                self.lost_answers += not answered
                self.slowest = max(self.slowest, time.monotonic() - began) if answered else self.slowest
            if answered:
                return
            time.sleep(AGAIN_SECONDS)

    def _ask(self, key: str) -> bool:
        request = urllib.request.Request(f"{self._url}?key={key}", data=b"", method="POST")
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
                answer.read()
        except (OSError, urllib.error.URLError):
            return False
        return True


if __name__ == "__main__":
    load = Load(sys.argv[1], int(sys.argv[2]))
    load.run()
    found = {"answered": load.answered, "lost_answers": load.lost_answers, "slowest": round(load.slowest, 3)}
    sys.stdout.write(json.dumps(found) + "\n")
