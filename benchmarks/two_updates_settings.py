"""Settings of the view that does two UPDATEs: our database, and no middleware at all."""

from benchmarks.plain_settings import *  # noqa: F403 - only the addresses and the middleware differ

ROOT_URLCONF = "benchmarks.two_updates"
MIDDLEWARE = []
