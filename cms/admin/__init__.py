"""Content in the back office; every write is an action."""

from importlib import import_module

from cms.admin import media, redirects, taxonomy, webhooks
from cms.types import NAMES

__all__ = ["media", "redirects", "taxonomy", "webhooks"]

for _name in NAMES:
    import_module(f"cms.types.{_name}.admin")
