"""What `make bench` runs. Whatever is measured, the exit code is 0; 1 only says that nothing could be measured."""

import argparse
import sys

from benchmarks import audit, jobs, million, payments, public_reads, reconcile, sign_in, uploads
from devkit.processes import LauncherError

BENCHMARKS = {
    "public_reads": public_reads.run,
    "million": million.run,
    "sign_in": sign_in.run,
    "jobs": jobs.run,
    "audit": audit.run,
    "payments": payments.run,
    "reconcile": reconcile.run,
    "uploads": uploads.run,
}
FEWEST_ROUNDS = 1


def main(arguments: list[str] | None = None) -> int:
    """Run the named benchmarks, or all of them, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of: {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (5)")
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement in a round (5)")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - BENCHMARKS.keys())
    if unknown or min(options.rounds, options.seconds) < FEWEST_ROUNDS:
        parser.error(f"unknown: {', '.join(unknown)}" if unknown else "rounds and seconds are 1 or more")
    try:
        for name in options.names or BENCHMARKS:
            BENCHMARKS[name](rounds=options.rounds, seconds=options.seconds)
    except LauncherError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
