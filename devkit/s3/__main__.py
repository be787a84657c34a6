"""`python -m devkit.s3 --port 6200`: the stand-in in the foreground; its variables are printed once it listens."""

import argparse
import errno
import signal
import sys

from devkit.s3.service import Service
from devkit.s3.settings import Settings


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM. A taken port is one sentence on stderr and exit code 1."""
    options = _options(arguments)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})  # before the threads, which inherit it
    settings = Settings(port=options.port, private=options.private, public=options.public, region=options.region)
    try:
        service = Service(settings)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        sys.stderr.write(f"Port {options.port} is taken: stop what listens there, or give another --port.\n")
        return 1
    service.start()
    for name, value in settings.environment(service.url).items():
        sys.stdout.write(f"{name}={value}\n")
    sys.stdout.write(f"S3 stand-in: {service.url}\n")
    sys.stdout.flush()
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
    service.stop()
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    known = Settings()
    parser = argparse.ArgumentParser(prog="python -m devkit.s3", description="A loopback stand-in of S3 and R2.")
    parser.add_argument("--port", type=int, default=known.port, help="where to listen on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--private", default=known.private, help="name of the private bucket")
    parser.add_argument("--public", default=known.public, help="name of the bucket that everybody reads")
    parser.add_argument("--region", default=known.region)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
