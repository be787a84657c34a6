"""The content types: each folder below `cms/types/` registers one, and everything public follows from that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.db.models import Index, Model, QuerySet
from rest_framework import serializers

from cms.models import ContentItem, Publishable
from cms.output import Output
from cms.writing import Writable

Ordering = tuple[Any, ...]


class Kind(Enum):
    """How a filter's text is read."""

    SLUG = "slug"
    SLUGS = "slugs"
    BOOLEAN = "boolean"
    NUMBER = "number"
    INSTANT = "instant"
    TEXT = "text"


@dataclass(frozen=True)
class Filter:
    """A query parameter of a list; `apply` gets the value that `kind` says."""

    name: str
    kind: Kind
    apply: Callable[[QuerySet[Any], Any], QuerySet[Any]]
    about: str = ""
    least: int = 1
    most: int = 9999


@dataclass(frozen=True)
class Include:
    """Puts the list rows of another type in the place of references at `key`."""

    key: str
    type_name: str
    many: bool


@dataclass(frozen=True)
class ContentType:
    """What there is to know about a type with addresses of its own.

    `operation` completes operation ids (`Post`: listPosts, getPost); `path` and `page` are the first segments of its
    addresses under `/api` and on the site; `tag` names it in surrogate keys. `writable` are the keys of its bodies,
    and `draft_outputs` those that only staff read, in drafts: what they write and readers never see.
    """

    name: str
    model: type[ContentItem]
    operation: str
    path: str
    page: str
    tag: str
    list_outputs: tuple[Output, ...]
    detail_outputs: tuple[Output, ...]
    sorts: Mapping[str, Ordering]
    default_sort: str
    filters: tuple[Filter, ...]
    includes: tuple[Include, ...] = ()
    draft_outputs: tuple[Output, ...] = ()
    writable: tuple[Writable, ...] = ()

    def live(self) -> QuerySet[Any]:
        """Every row that is public: where each public query starts."""
        rows: QuerySet[Any] = self.model._default_manager.all().live()
        return rows

    @property
    def outputs(self) -> dict[str, Output]:
        """Every key of a detail, by name."""
        return {output.name: output for output in (*self.list_outputs, *self.detail_outputs)}


@dataclass(frozen=True)
class Singleton:
    """A type with one row and one address.

    `read` gives its public answer and `schema` describes it; `output` makes the same of a draft's columns,
    `writable` are the keys of its body, and `first` the values with which the first change begins.
    """

    name: str
    model: type[Publishable]
    operation: str
    path: str
    tag: str
    read: Callable[[], dict[str, Any]]
    schema: type[serializers.Serializer[Any]]
    output: Output
    writable: tuple[Writable, ...]
    first: Callable[[], Mapping[str, Any]] = dict


_types: dict[str, ContentType] = {}
_singletons: dict[str, Singleton] = {}


def register_singleton(singleton: Singleton) -> Singleton:
    """Make a type with one row known."""
    _singletons[singleton.name] = singleton
    return singleton


def singleton(name: str) -> Singleton:
    """Return the type with one row called `name`."""
    return _singletons[name]


def singleton_of(model: type[Model]) -> Singleton:
    """Return the type with one row whose rows are of `model`."""
    return next(one for one in _singletons.values() if one.model is model)


def all_singletons() -> list[Singleton]:
    """Return every type with one row."""
    return list(_singletons.values())


def register(content_type: ContentType) -> ContentType:
    """Make a type known; its name, path and page are its alone."""
    for other in _types.values():
        if other.name == content_type.name or {other.path, other.page} & {content_type.path, content_type.page}:
            raise ValueError(f"{content_type.name!r} collides with the content type {other.name!r}.")
    _demand_short_names(content_type.model)
    _types[content_type.name] = content_type
    return content_type


def _demand_short_names(model: type[Model]) -> None:
    """Raise ValueError for a class whose name makes the name of an index longer than Django takes."""
    longest = max((index.name for index in model._meta.indexes), key=len, default="")
    if (over := len(longest) - Index.max_name_length) > 0:
        name = model.__name__
        raise ValueError(
            f"The class name {name!r} is too long: names of indexes are made of it, and {longest!r} has more "
            f"than {Index.max_name_length} characters. Choose one of at most {len(name) - over} letters."
        )


def get(name: str) -> ContentType:
    """Return the type called `name`."""
    return _types[name]


def of_model(model: type[Model]) -> ContentType:
    """Return the type whose rows are of `model`."""
    return next(one for one in _types.values() if one.model is model)


def all_types() -> list[ContentType]:
    """Return every type in the order of registration."""
    return list(_types.values())


def all_models() -> list[Any]:
    """Return the model of every type, those with one row too."""
    return [*(one.model for one in _types.values()), *(one.model for one in _singletons.values())]
