"""Who runs PostgreSQL, which refuses to be root.

An ordinary user runs it as itself. Root runs it, in this order, as the folder's present owner or `nobody`, inside a
user namespace in which root has another number, or from a copy of the program in a place that everybody can enter.
No user is added, and no folder that is not ours changes its mode or owner.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

NOBODY = 65534
COPIES = Path("/var/lib/devkit-postgres")
TRIAL_SECONDS = 20
NAMESPACE = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--"]
DIE_WITH_PARENT = ["setpriv", "--pdeathsig", "INT", "--"]
"""A new user namespace clears the parent-death signal, so it is set again inside."""


@dataclass(frozen=True)
class RunAs:
    """One way to run the programs of `bin_dir` on `data`."""

    bin_dir: Path
    data: Path
    uid: int | None = None
    """None: stay who we are."""
    prefix: list[str] = field(default_factory=list)

    def command(self, program: str, *arguments: str) -> list[str]:
        """Build the full command line of one of PostgreSQL's programs."""
        return [*self.prefix, os.fspath(self.bin_dir / program), *arguments]

    @property
    def groups(self) -> list[int] | None:
        """Supplementary groups to run with: none at all as another user."""
        return None if self.uid is None else []

    def own(self, path: Path) -> None:
        """Give a file or folder that we have just made to the user who runs PostgreSQL."""
        if self.uid is not None:
            os.chown(path, self.uid, self.uid)

    def works(self) -> bool:
        """Try it: the program starts, and the folder's parent can be entered."""
        checks = [self.command("postgres", "--version"), [*self.prefix, "test", "-x", os.fspath(self.data.parent)]]
        return all(self._succeeds(command) for command in checks)

    def _succeeds(self, command: list[str]) -> bool:
        try:
            done = subprocess.run(
                command,
                user=self.uid,
                group=self.uid,
                extra_groups=self.groups,
                cwd="/",
                capture_output=True,
                timeout=TRIAL_SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError):
            return False
        return done.returncode == 0


def choose(bin_dir: Path, data: Path, *, copies: Path = COPIES) -> RunAs | None:
    """Pick the first way that works for the caller on this folder; None when root has no way at all."""
    if os.geteuid() != 0:
        return RunAs(bin_dir, data)
    for way in _ways_of_root(bin_dir, data, copies):
        candidate = way()
        if candidate is not None and candidate.works():
            return candidate
    return None


def _ways_of_root(bin_dir: Path, data: Path, copies: Path) -> Iterator[Callable[[], RunAs | None]]:
    owner = data.stat().st_uid if data.exists() else NOBODY
    copied = _copied_data(data, copies)
    if owner != 0 and not copied.exists():
        yield lambda: RunAs(bin_dir, data, uid=owner)
    if owner == 0 or not data.exists():
        yield lambda: RunAs(bin_dir, data, prefix=[*NAMESPACE, *DIE_WITH_PARENT])
        yield lambda: _copy(bin_dir, copied, copies)


def _copied_data(data: Path, copies: Path) -> Path:
    return copies / hashlib.sha256(os.fsencode(data)).hexdigest()[:12] / "data"


def _copy(bin_dir: Path, copied_data: Path, copies: Path) -> RunAs | None:
    """Copy the wheel's programs and libraries to a place that everybody may enter, once per version."""
    package = bin_dir.parent.parent
    libraries = package.with_name(f"{package.name}.libs")
    if not libraries.is_dir():
        return None  # a system's PostgreSQL stands in a public place already
    stamp = f"{(bin_dir / 'postgres').stat().st_mtime_ns}-{(bin_dir / 'postgres').stat().st_size}"
    target = copies / hashlib.sha256(stamp.encode()).hexdigest()[:12]
    try:
        copied_data.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not target.is_dir():
            unfinished = target.with_name(f"{target.name}.{os.getpid()}")
            for folder in (package, libraries):
                shutil.copytree(folder, unfinished / folder.name)
            unfinished.rename(target)
    except OSError:
        return None
    return RunAs(target / package.name / bin_dir.relative_to(package), copied_data, uid=NOBODY)
