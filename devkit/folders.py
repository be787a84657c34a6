"""A server's folder: made private, used by one launcher at a time, left alone when it is somebody else's."""

import fcntl
import os
from pathlib import Path

from devkit.processes import LauncherError, ProcessId


class FolderLock:
    """The right to run a server on one folder, held by an open file beside it for as long as we live.

    The file also names the server's process, so that a launcher that was killed leaves no riddle: its successor gets
    the lock, and finds in the file which process to end first.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder.with_name(f"{folder.name}.lock")
        self._handle: int | None = None

    def take(self) -> ProcessId | None:
        """Take the lock; return the server that a dead launcher left running, if there is one.

        Raises LauncherError when another launcher lives.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise LauncherError(
                f"{self.path.with_suffix('')} is already in use: another launcher runs there."
            ) from None
        self._handle = handle
        left = ProcessId.read(self.path)
        return left if left and left.alive() else None

    def name(self, process: ProcessId) -> None:
        """Write down whom we started. In place: the lock belongs to this very file."""
        if self._handle is None:
            raise RuntimeError("The lock is not held.")
        text = f'{{"pid": {process.pid}, "started": "{process.started}"}}'.encode()
        os.pwrite(self._handle, text, 0)
        os.ftruncate(self._handle, len(text))

    def release(self) -> None:
        """Forget the server and let others in; harmless when not held."""
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None
