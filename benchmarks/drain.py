"""The runner of `benchmarks.jobs`: `run_jobs` as it is deployed, with one kind of job that does nothing."""

import sys

import django


def main() -> int:
    """Run until SIGTERM."""
    django.setup()
    from common import handlers  # noqa: PLC0415 - not before the apps are ready
    from jobs.engine.runner import Runner  # noqa: PLC0415

    handlers.registry.clear()  # no schedule and no other kinds
    handlers.job("bench.nothing")(lambda _run: None)
    runner = Runner()
    runner.stop.on_signals()
    return runner.run()


if __name__ == "__main__":
    sys.exit(main())
