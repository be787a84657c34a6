"""Addresses of content, made from what is registered."""

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from cms import registry
from cms.api import bodies, changes, patterns, schema, taxonomies, terms
from cms.api.described import Describe, described
from cms.api.patterns import PUBLIC_TAGS, acts, permission
from cms.errors import InUse, SlugTaken
from cms.models import Author
from common.api.schema import operation
from common.errors import DomainError, Gone, NotFound, RateLimited, ValidationFailed

VERBS = {"POST": "add", "PATCH": "change", "DELETE": "delete"}


def public(name: str, answer: Any, parameters: Any = (), *errors: type[DomainError]) -> Describe:
    """Describe a read that nobody signs in for."""
    refusals = (*errors, RateLimited)
    return operation(name, responses={200: answer}, errors=refusals, parameters=parameters, tags=PUBLIC_TAGS)


def of_taxonomy(view: type[taxonomies.TermList], where: str, one: str, many: str) -> Iterator[URLPattern]:
    """Yield the addresses of tags, categories or technologies."""
    row, model = taxonomies.CountedTermSerializer, view.model
    needed = {method: permission(verb, model) for method, verb in VERBS.items()}
    body, change = bodies.bodies_of(f"{one}Write", model, terms.TERM_KEYS)
    listed = described(
        view,
        f"list{many}",
        {"needed": {"POST": needed["POST"]}, "body": body},
        get=public(f"list{many}", schema.page_schema("CountedTerm", row), schema.paging(), NotFound),
        post=acts(f"create{one}", row, [SlugTaken], status=201, body=body),
    )
    single = described(
        taxonomies.TermDetail,
        f"update{one}",
        {"of": view, "needed": {method: needed[method] for method in ("PATCH", "DELETE")}, "body": change},
        patch=acts(f"update{one}", row, [NotFound, SlugTaken], body=change),
        delete=acts(f"delete{one}", None, [NotFound, InUse], status=204),
    )
    yield path(where, listed, name=f"list{many}")
    yield path(f"{where}/<str:slug>", single, name=f"update{one}")


def of_authors() -> Iterator[URLPattern]:
    """Yield the addresses of authors."""
    full = taxonomies.AuthorDetailSerializer
    needed = {method: permission(verb, Author) for method, verb in VERBS.items()}
    body, change = bodies.bodies_of("AuthorWrite", Author, terms.AUTHOR_KEYS)
    page = schema.page_schema("AuthorRow", taxonomies.AuthorRowSerializer)
    listed = described(
        taxonomies.AuthorList,
        "listAuthors",
        {"needed": {"POST": needed["POST"]}, "body": body},
        get=public("listAuthors", page, schema.paging(), NotFound),
        post=acts("createAuthor", full, [SlugTaken], status=201, body=body),
    )
    single = described(
        taxonomies.AuthorDetail,
        "getAuthor",
        {"needed": {method: needed[method] for method in ("PATCH", "DELETE")}, "body": change},
        get=public("getAuthor", full, (), NotFound, ValidationFailed),
        patch=acts("updateAuthor", full, [NotFound, SlugTaken], body=change),
        delete=acts("deleteAuthor", None, [NotFound, InUse], status=204),
    )
    yield path("authors", listed, name="listAuthors")
    yield path("authors/<str:slug>", single, name="getAuthor")


PATH = OpenApiParameter("path", OpenApiTypes.STR, required=True, description="A path of the site.")
CHANGES = public("listChanges", changes.ChangeListSerializer, changes.DESCRIBED, Gone)
REDIRECT = public("getRedirect", taxonomies.RedirectSerializer, [PATH], NotFound)

urlpatterns = [
    *(pattern for kind in registry.all_types() for pattern in patterns.of_type(kind)),
    *(pattern for one in registry.all_singletons() for pattern in patterns.of_the_one(one)),
    *of_taxonomy(taxonomies.TagList, "tags", "Tag", "Tags"),
    *of_taxonomy(taxonomies.CategoryList, "categories", "Category", "Categories"),
    *of_taxonomy(taxonomies.TechnologyList, "technologies", "Technology", "Technologies"),
    *of_authors(),
    path("changes", described(changes.ChangeList, "listChanges", get=CHANGES), name="listChanges"),
    path("redirects", described(taxonomies.RedirectDetail, "getRedirect", get=REDIRECT), name="getRedirect"),
]
