"""The app's place in Django."""

from django.apps import AppConfig


class UploadsConfig(AppConfig):
    """Files that people and seeds bring in."""

    name = "uploads"
    verbose_name = "Files"

    def ready(self) -> None:
        """Register the system checks."""
        from uploads import checks  # noqa: F401, PLC0415  (checks may only be imported once the apps are loaded)
