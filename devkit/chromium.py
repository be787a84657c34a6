"""Chromium for `make e2e`: the one that is here, else Debian's where apt may install it."""

import os
import shutil
import subprocess
from pathlib import Path

from devkit.processes import LauncherError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def find() -> str | None:
    """Return the path of a Chromium or Chrome; CHROMIUM in the environment comes first."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or (os.fspath(MAC) if MAC.exists() else None)


def ensure() -> str:
    """Return the path of a browser, installing Debian's as root. Raises LauncherError when there is none to be had."""
    browser = find()
    if browser:
        return browser
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Debian's chromium ...", flush=True)
        quietly = {"env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}}
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
        for command in (["apt-get", "update", "-qq"], install):
            subprocess.run(command, stdout=subprocess.DEVNULL, check=False, **quietly)  # type: ignore[call-overload]
        browser = find()
    if not browser:
        raise LauncherError("`make e2e` needs Chromium: `apt-get install chromium`, or set CHROMIUM to its path.")
    return browser
