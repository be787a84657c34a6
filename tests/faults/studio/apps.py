"""Shortens the waiting times of the job table, and lets a row's hook in."""

import importlib
import os

from django.apps import AppConfig

from jobs import constants

LEASE_SECONDS = 5
HEARTBEAT_SECONDS = 1
REDISPATCH_SECONDS = 5
RETRY_SECONDS = (1, 1, 1, 1)
SILENT_SECONDS = 20


class StudioConfig(AppConfig):
    """Registers the job kinds of the faults."""

    name = "tests.faults.studio"
    label = "faults"

    def ready(self) -> None:
        """Set the short times, then call the function that FAULTS_HOOK names, if any."""
        constants.LEASE_SECONDS = LEASE_SECONDS
        constants.HEARTBEAT_SECONDS = HEARTBEAT_SECONDS
        constants.REDISPATCH_SECONDS = REDISPATCH_SECONDS
        constants.RETRY_SECONDS = RETRY_SECONDS
        constants.SILENT_SECONDS = SILENT_SECONDS
        module, _, function = os.environ.get("FAULTS_HOOK", "").partition(":")
        if function:
            getattr(importlib.import_module(module), function)()
