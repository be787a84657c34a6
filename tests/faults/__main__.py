"""Runs the rows one after the other; exit code 1 when any lost or doubled something, or could not be tried."""

import argparse
import importlib
import shutil
import sys
import time

from devkit.processes import LauncherError
from tests.faults import table
from tests.faults.stage import CHECKOUT, VAR, Stage
from tests.faults.table import Outcome

ROWS = ("tests.faults.jobs", "tests.faults.payments")
LONGEST_SECONDS = 600


def main(arguments: list[str] | None = None) -> int:
    """Run every row whose title holds one of the given words (default: all)."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("words", nargs="*", help="run only rows whose title holds one of these")
    options = parser.parse_args(arguments)
    for module in ROWS:
        importlib.import_module(module)
    chosen = [title for title in table.registry if not options.words or any(word in title for word in options.words)]
    found, untried = run(chosen)
    if found:
        table.save(VAR / "faults.json", found)
        print(f"\n{table.table(found)}\n")
    for title, why in untried.items():
        print(f"not tried: {title}: {why}", file=sys.stderr)
    return 0 if found and not untried and all(one.clean for one in found.values()) else 1


def run(titles: list[str]) -> tuple[dict[str, Outcome], dict[str, str]]:
    """Return what each row found, and why those that have no result have none."""
    found: dict[str, Outcome] = {}
    untried: dict[str, str] = {}
    ends = time.monotonic() + LONGEST_SECONDS
    for title in titles:
        if time.monotonic() > ends:
            untried[title] = f"the {LONGEST_SECONDS} seconds of a run were over"
            continue
        print(f"{title} ...", flush=True)
        began = time.monotonic()
        try:
            with Stage(ends) as stage:
                found[title] = table.registry[title](stage)
        except (LauncherError, TimeoutError) as error:
            untried[title] = str(error)
            kept = shutil.copytree(VAR / "log", VAR / f"log-{len(untried)}", dirs_exist_ok=True)
            print(f"  {error} (logs: {kept.relative_to(CHECKOUT)})", flush=True)
            continue
        one = found[title]
        words = f"lost {one.lost}, doubled {one.doubled}"
        print(f"  {one.requests} requests, {one.tries} tries, {words} ({time.monotonic() - began:.0f} s)", flush=True)
    return found, untried


if __name__ == "__main__":
    sys.exit(main())
