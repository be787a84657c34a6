"""``python -m devkit.stripe``: the twin beside ``make run``."""

import argparse
import errno
import os
import signal
import sys
from pathlib import Path
from threading import Event

from devkit.stripe.errors import ApiError
from devkit.stripe.service import Service

SECRET_NAME = "STRIPE_WEBHOOK_SECRET"


def main() -> int:
    """Run until SIGINT or SIGTERM. What stands in the way is one sentence on stderr and exit code 1."""
    options = _options()
    try:
        service = Service(port=options.port, state=options.state)
        if options.webhook_url:
            service.register_webhook(options.webhook_url, _webhook_secret())
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return _refuse(f"Port {options.port} is taken: stop what listens there, or give the twin another --port.")
    except (ValueError, KeyError):
        return _refuse(f"{options.state} is not a state file of the Stripe twin: move it away and start again.")
    except ApiError as error:
        return _refuse(str(error))
    _serve(service)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m devkit.stripe", description="A loopback stand-in of Stripe.")
    parser.add_argument("--port", type=int, required=True, help="where to listen on 127.0.0.1")
    parser.add_argument("--state", type=Path, help="JSON file that keeps everything between runs")
    parser.add_argument("--webhook-url", help=f"where events go, signed with the first secret of {SECRET_NAME}")
    return parser.parse_args()


def _webhook_secret() -> str:
    secret = os.environ.get(SECRET_NAME, "").split(",")[0].strip()
    if not secret:
        raise ApiError(f"Set {SECRET_NAME}: the twin signs what it sends to --webhook-url with it.")
    return secret


def _serve(service: Service) -> None:
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    service.start()
    sys.stdout.write(f"Stripe twin: {service.base_url}\n")
    sys.stdout.flush()
    stop.wait()
    service.stop()


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
