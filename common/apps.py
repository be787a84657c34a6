"""Django's entry point: finds what every app registers."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class CommonConfig(AppConfig):
    """Fills the registries of job kinds, audit events, privacy marks, watched tables, seeds and checks."""

    name = "common"

    def ready(self) -> None:
        """Import the registering modules of all apps; those that an app has not are passed over."""
        autodiscover_modules("errors", "tasks", "events", "privacy", "seed", "checks", "ports", "watched")
