"""Settings of the studio with nothing remembered between two requests."""

from config.settings import *  # noqa: F403 - only the caches differ

EDGE_CACHE = False
CACHES = {
    name: {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
    for name in CACHES  # noqa: F405
}
