"""Private folders for bytes that are being worked on, outside every store, and their end."""

import logging
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "studio-upload-"
LEFT_BEHIND_SECONDS = 24 * 3600  # many times what a job may last

logger = logging.getLogger(__name__)


@contextmanager
def workspace() -> Iterator[Path]:
    """A folder that only this user reads, gone at the end; those that killed workers left a day ago go with it."""
    _clear_left_behind()
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _clear_left_behind() -> None:
    oldest = time.time() - LEFT_BEHIND_SECONDS
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            old = folder.lstat().st_mtime < oldest and folder.is_dir() and not folder.is_symlink()
        except OSError:  # another worker was faster
            continue
        if old:
            logger.info("left_behind_folder_cleared", extra={"folder": folder.name})
            shutil.rmtree(folder, ignore_errors=True)
