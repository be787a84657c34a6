"""Django's entry point to the app."""

from importlib import import_module

from django.apps import AppConfig

from cms.types import NAMES
from common import cors
from uploads import ports as uploads


class CmsConfig(AppConfig):
    """Content: what all types share, and one folder a type below `cms/types/`."""

    name = "cms"
    verbose_name = "Content"

    def ready(self) -> None:
        """Let every content type register itself, and say which files are shown."""
        for name in NAMES:
            import_module(f"cms.types.{name}.api")
        for kind in import_module("cms.registry").all_types():
            cors.open_list(kind.path)
        import_module("cms.types.project.files").register()
        uploads.register_use(import_module("cms.selectors").shows_file)
