"""Where an item is read by people on this back end's own pages."""

from django.urls import is_valid_path

from cms import registry
from cms.models import Publishable
from cms.registry import ContentType, Singleton

SETTINGS_ARE_SEEN_AT = "/"


def kind_of(item: Publishable) -> ContentType | Singleton:
    """The registered type of an item."""
    return next(kind for kind in _kinds() if kind.model is type(item))


def kind_named(name: str) -> ContentType | Singleton | None:
    """The registered type of that name, or None."""
    return next((kind for kind in _kinds() if kind.name == name), None)


def page_path(kind: ContentType | Singleton, slug: str) -> str:
    """The path of the page that shows an item: its own, else its type's, else its answer in the API."""
    if isinstance(kind, Singleton):
        return SETTINGS_ARE_SEEN_AT
    own, shared = f"/{kind.page}/{slug}", f"/{kind.page}"
    return next((path for path in (own, shared) if is_valid_path(path)), f"/api/{kind.path}/{slug}")


def _kinds() -> list[ContentType | Singleton]:
    return [*registry.all_types(), *registry.all_singletons()]
