"""Settings of the plain webhook: our database, the middleware of `startproject`."""

from benchmarks.plain_settings import *  # noqa: F403 - the same but for the addresses

ROOT_URLCONF = "benchmarks.plain_webhook"
