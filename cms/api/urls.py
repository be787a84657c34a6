"""Addresses of content, made from what is registered."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from cms import registry
from cms.api import changes, schema, taxonomies
from cms.api.views import ContentDetail, ContentList, PublicView, SingletonDetail
from common.api.schema import operation
from common.errors import DomainError, Gone, NotFound, RateLimited

Handler = Callable[..., HttpResponseBase]
TAGS = ["Content"]


def described(
    view: type[PublicView],
    name: str,
    *,
    answer: Any,
    parameters: Any = (),
    detail: bool = False,
    errors: Sequence[type[DomainError]] = (),
) -> Handler:
    """Return the view function of a copy of `view` whose operation is described."""
    refusals = errors or ([NotFound, Gone, RateLimited] if detail else [NotFound, RateLimited])
    described_get = operation(
        name,
        responses={200: answer},
        errors=refusals,
        parameters=parameters,
        tags=TAGS,
    )(_copy(view))
    made: type[PublicView] = type(name, (view,), {"get": described_get, "__doc__": view.__doc__})
    return made.as_view()


def _copy(view: type[PublicView]) -> Any:
    """Return a method of its own for each operation, since the description is kept on the function."""
    original = view.get  # type: ignore[attr-defined]  # every view here has it

    def get(self: PublicView, *args: Any, **kwargs: Any) -> Any:
        return original(self, *args, **kwargs)

    get.__doc__ = original.__doc__
    return get


def content_patterns() -> Iterator[URLPattern]:
    """Yield a list and a detail for every type."""
    for kind in registry.all_types():
        row = schema.row_schema(f"{kind.operation}Row", kind.list_outputs, all_required=False)
        full = schema.row_schema(kind.operation, tuple(kind.outputs.values()), all_required=False)
        listing = type("Typed", (ContentList,), {"content_type": kind, "__doc__": ContentList.__doc__})
        single = type("Typed", (ContentDetail,), {"content_type": kind, "__doc__": ContentDetail.__doc__})
        plural = f"list{kind.operation}s"
        yield path(
            kind.path,
            described(
                listing, plural, answer=schema.page_schema(kind.operation, row), parameters=schema.list_parameters(kind)
            ),
            name=plural,
        )
        yield path(
            f"{kind.path}/<str:slug>",
            described(
                single, f"get{kind.operation}", answer=full, parameters=schema.detail_parameters(kind), detail=True
            ),
            name=f"get{kind.operation}",
        )


def singleton_patterns() -> Iterator[URLPattern]:
    """Yield the address of every type with one row."""
    for one in registry.all_singletons():
        view = type("Typed", (SingletonDetail,), {"singleton": one, "__doc__": SingletonDetail.__doc__})
        name = f"get{one.operation}"
        yield path(one.path, described(view, name, answer=one.schema), name=name)


def taxonomy_patterns() -> Iterator[URLPattern]:
    """Yield the lists of terms and authors."""
    lists: list[tuple[str, str, type[PublicView], type[serializers.Serializer[Any]]]] = [
        ("tags", "listTags", taxonomies.TagList, taxonomies.CountedTermSerializer),
        ("categories", "listCategories", taxonomies.CategoryList, taxonomies.CountedTermSerializer),
        ("technologies", "listTechnologies", taxonomies.TechnologyList, taxonomies.CountedTermSerializer),
        ("authors", "listAuthors", taxonomies.AuthorList, taxonomies.AuthorRowSerializer),
    ]
    for where, name, view, row in lists:
        answer = schema.page_schema(row.__name__.removesuffix("Serializer"), row)
        yield path(where, described(view, name, answer=answer, parameters=schema.paging()), name=name)


urlpatterns = [
    *content_patterns(),
    *singleton_patterns(),
    *taxonomy_patterns(),
    path(
        "authors/<str:slug>",
        described(taxonomies.AuthorDetail, "getAuthor", answer=taxonomies.AuthorDetailSerializer),
        name="getAuthor",
    ),
    path(
        "changes",
        described(
            changes.ChangeList,
            "listChanges",
            answer=changes.ChangeListSerializer,
            parameters=changes.DESCRIBED,
            errors=[Gone, RateLimited],
        ),
        name="listChanges",
    ),
    path(
        "redirects",
        described(
            taxonomies.RedirectDetail,
            "getRedirect",
            answer=taxonomies.RedirectSerializer,
            parameters=[OpenApiParameter("path", OpenApiTypes.STR, required=True, description="A path of the site.")],
        ),
        name="getRedirect",
    ),
]
