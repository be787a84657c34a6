"""Django's entry point to the app."""

from importlib import import_module

from django.apps import AppConfig

from cms.types import NAMES


class CmsConfig(AppConfig):
    """Content: what all types share, and one folder a type below `cms/types/`."""

    name = "cms"
    verbose_name = "Content"

    def ready(self) -> None:
        """Let every content type register itself."""
        for name in NAMES:
            import_module(f"cms.types.{name}.api")
