"""Signing an upload against boto3's own call, and the decoder's process against Pillow alone."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import results, servers, thumbnails
from benchmarks.results import Row
from devkit.processes import LauncherError

PILLOW = Path(thumbnails.__file__)
MOST_MB = {"JPEG": 200, "PNG": 320}
# At most 3 times the time is at least a third of the rate, at most 1.2 times is at least 0.83 of it.
ROWS = (
    Row("sign an upload", "sign", "boto3 alone", 1 / 3),
    Row("its signature alone", "sign_put", "boto3 alone", 1 / 3),
    *(
        Row(f"24 MP {kind}: whole picture and thumbnails, a minute", f"{kind}, ours", f"{kind}, Pillow", 1 / 1.2)
        for kind in MOST_MB
    ),
)
Samples = dict[str, list[float]]
# Signing asks nobody: the store need not be there.
STORE = {
    "STORAGE": "s3",
    "S3_BUCKET_NAME": "bench-private",
    "S3_PUBLIC_BUCKET_NAME": "bench-public",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "AKIABENCH",
    "AWS_SECRET_ACCESS_KEY": "bench-secret",
    "UPLOAD_MAX_PENDING": "1000000",
    "UPLOAD_MAX_OWNER_BYTES": str(10**11),
}


def run(*, rounds: int, seconds: float) -> None:
    """Measure every row, print the table and the peaks, and save both as `var/bench/uploads.json`."""
    samples: Samples = {name: [] for row in ROWS for name in (row.ours, row.baseline)}
    peaks: Samples = {kind: [] for kind in MOST_MB}
    with servers.database() as url, TemporaryDirectory(prefix="bench-uploads-") as folder:
        env = servers.settings(url) | STORE
        sources = thumbnails.make_sources(Path(folder))
        for number in range(rounds):
            backwards = number % 2 == 1
            _note(samples, number, rounds, _inside(env, f"measure(seconds={seconds}, backwards={backwards})"))
            for kind, source in sources.items():
                rates, peak = pictures(env, kind, source, backwards=backwards)
                peaks[kind].append(peak)
                _note(samples, number, rounds, rates)
    summaries = [results.summarise(row, samples) for row in ROWS]
    path = servers.VAR / "uploads.json"
    options = {"rounds": rounds, "seconds": seconds, "peaks_mb": peaks}
    results.save(path, options=options, samples=samples, summaries=summaries)
    print(f"\n{results.table(summaries)}\n")
    for kind, most in MOST_MB.items():
        print(f"Peak of the child, 24 MP {kind}: {max(peaks[kind]):.0f} MB (target: under {most} MB)")
    print(f"\nEvery sample: {path.relative_to(servers.CHECKOUT)}")


def pictures(env: Mapping[str, str], kind: str, source: Path, *, backwards: bool) -> tuple[dict[str, float], float]:
    """How many such pictures a minute ours and Pillow alone make, and the peak of our child in MB.

    Ours counts from the start of the child to its verdict; Pillow's clock begins when its process has imported it.
    """

    def ours() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(_shell(env, f"decode({str(source)!r}, {kind!r})"))
        return found

    def alone() -> dict[str, Any]:
        done = _done([sys.executable, str(PILLOW), str(source), kind], env)
        found: dict[str, Any] = json.loads(done)
        return found

    acts = {"ours": ours, "Pillow": alone}
    found = {name: acts[name]() for name in (reversed(list(acts)) if backwards else list(acts))}
    return {f"{kind}, {name}": 60 / one["seconds"] for name, one in found.items()}, found["ours"]["peak_mb"]


def _inside(env: Mapping[str, str], call: str) -> dict[str, float]:
    found: dict[str, float] = json.loads(_shell(env, call))
    return found


def _shell(env: Mapping[str, str], call: str) -> str:
    code = f"from benchmarks import uploading; uploading.{call}"
    return _done([sys.executable, "manage.py", "shell", "--no-imports", "-c", code], env)


def _done(command: list[str], env: Mapping[str, str]) -> str:
    """The last line that it prints. Raises LauncherError when it fails."""
    done = subprocess.run(
        command, cwd=servers.CHECKOUT, env=os.environ | env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise LauncherError(f"Uploads could not be measured: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    return done.stdout.splitlines()[-1]


def _note(samples: Samples, number: int, rounds: int, rates: Mapping[str, float]) -> None:
    for name, rate in rates.items():
        samples[name].append(rate)
        unit = "/min" if name.partition(",")[0] in MOST_MB else "/s"
        print(f"round {number + 1}/{rounds}  {name:<14} {rate:>10,.1f}{unit}", flush=True)
