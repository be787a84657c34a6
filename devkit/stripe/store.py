"""All objects of the imaginary account, in memory, newest first, and in one JSON file when a path is given."""

import bisect
import json
import os
import secrets
import string
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from threading import RLock
from typing import Any

from devkit.stripe.settings import Settings

Json = dict[str, Any]
_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    """A random id such as ``pi_3Fk…``."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))


def render(stored: Json) -> Json:
    """A stored object as the API shows it: without the twin's own members, whose names begin with an underscore."""
    return {name: value for name, value in stored.items() if not name.startswith("_")}


class Store:
    """Objects by kind and id. Whoever reads or writes holds ``lock``; ``commit`` makes what was put durable."""

    def __init__(self, path: Path | None = None) -> None:
        self.lock = RLock()
        self.settings = Settings()
        self._path = path
        self._sequence = 0
        self._objects: dict[str, dict[str, Json]] = {}
        self._index: dict[str, list[tuple[int, int, str]]] = {}
        self._lines: dict[tuple[str, str], str] = {}
        self._changed = False
        if path is not None and path.exists():
            self._load(json.loads(path.read_text(encoding="utf-8")))

    def now(self) -> int:
        """The account's clock in Unix seconds; ``clock_offset_s`` shifts it."""
        return int(time.time()) + self.settings.clock_offset_s

    def get(self, kind: str, object_id: str) -> Json | None:
        """The stored object itself, to be changed in place and put again."""
        return self._objects.get(kind, {}).get(object_id)

    def put(self, kind: str, stored: Json) -> None:
        """Add an object, or record that it changed. It needs ``id`` and ``created``."""
        object_id = stored["id"]
        if self.get(kind, object_id) is None:
            self._sequence += 1
            bisect.insort(self._index.setdefault(kind, []), (stored["created"], self._sequence, object_id))
            stored["_sequence"] = self._sequence
        self._objects.setdefault(kind, {})[object_id] = stored
        self._changed = True
        if self._path is not None:
            self._lines[kind, object_id] = json.dumps([kind, stored])

    def remove(self, kind: str, object_id: str) -> None:
        """Forget one object."""
        stored = self._objects[kind].pop(object_id)
        self._index[kind].remove((stored["created"], stored["_sequence"], object_id))
        self._lines.pop((kind, object_id), None)
        self._changed = True

    def all(self, kind: str) -> list[Json]:
        """Every object of a kind in the order in which they were made."""
        return sorted(self._objects.get(kind, {}).values(), key=lambda stored: int(stored["_sequence"]))

    def counts(self) -> dict[str, int]:
        """How many objects there are of each kind."""
        return {kind: len(objects) for kind, objects in sorted(self._objects.items()) if objects}

    def newest(self, kind: str, *, before: Json | None = None) -> Iterator[Json]:
        """Objects from newest to oldest, from just after ``before`` in that order."""
        index = self._index.get(kind, [])
        position = len(index) if before is None else bisect.bisect_left(index, self._place(before))
        for _, _, object_id in reversed(index[:position]):
            yield self._objects[kind][object_id]

    def oldest(self, kind: str, *, after: Json) -> Iterator[Json]:
        """Objects newer than ``after``, the oldest of them first."""
        index = self._index.get(kind, [])
        for _, _, object_id in index[bisect.bisect_right(index, self._place(after)) :]:
            yield self._objects[kind][object_id]

    @staticmethod
    def _place(stored: Json) -> tuple[int, int, str]:
        return stored["created"], stored["_sequence"], stored["id"]

    def settings_changed(self) -> None:
        """The settings must be written at the next commit."""
        self._changed = True

    def commit(self) -> None:
        """Write the file, if there is one and something changed: into a second file, which then takes its place."""
        if self._path is None or not self._changed:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_name(f"{self._path.name}.new")
        with draft.open("w", encoding="utf-8") as file:
            file.write(f'{{"settings": {json.dumps(asdict(self.settings))},\n"objects": [\n')
            file.write(",\n".join(self._lines.values()))
            file.write("\n]}\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        self._changed = False

    def _load(self, saved: Json) -> None:
        self.settings = Settings.restored(saved["settings"])
        for kind, stored in sorted(saved["objects"], key=lambda line: int(line[1]["_sequence"])):
            self.put(kind, stored)
        self._changed = False
