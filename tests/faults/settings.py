"""Settings of the processes that are killed: production's, with the app of the faults and leases of seconds."""

from config.settings import *  # noqa: F403 - everything as in production

INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults.studio.apps.StudioConfig"]  # noqa: F405
ROOT_URLCONF = "tests.faults.studio.urls"
