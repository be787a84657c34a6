"""Tags, categories, technologies, authors, and where renamed addresses lead."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.db.models import Count, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cms import registry, rich_text, selectors
from cms.api import caching, query, terms
from cms.api.listing import version_and_total
from cms.api.views import OpenView, PublicView
from cms.models import Author, Category, Post, Project, Service, Tag, Technology
from cms.output import ImageSerializer, RichTextSerializer, Row, image, image_json
from cms.validators import SLUG
from common.api.serializers import SelfLinkSerializer
from common.errors import Gone, NotFound
from common.links import absolute
from common.pagination import page_list
from common.parameters import refuse_unknown, single

PATH_MAX = 500


class CountedTermSerializer(serializers.Serializer[Any]):
    """A term and how many live items have it."""

    slug = serializers.CharField()
    name = serializers.CharField()
    count = serializers.IntegerField()


class AuthorRowSerializer(serializers.Serializer[Any]):
    """An author and how many live posts they signed."""

    slug = serializers.CharField()
    name = serializers.CharField()
    avatar = ImageSerializer(allow_null=True)
    count = serializers.IntegerField()


class AuthorDetailSerializer(AuthorRowSerializer):
    """An author with what is said about them."""

    bio = RichTextSerializer()
    links = SelfLinkSerializer()


class RedirectSerializer(serializers.Serializer[Any]):
    """Where a path leads now; `to` is null and `status` 410 where nothing is any more."""

    path = serializers.CharField()
    to = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(choices=[301, 410])


def _count(model: Any, relation: str) -> Any:
    """Return the expression that counts the live rows of `model` by their relation to the outer row."""
    rows = model.objects.all().live().order_by().filter(**{relation: OuterRef("pk")}).values(relation)
    return Coalesce(Subquery(rows.annotate(n=Count("pk", distinct=True)).values("n")), 0)


class TermList(OpenView):
    """A page of a taxonomy."""

    model: ClassVar[type[Model]]
    tag: ClassVar[str]
    uses: ClassVar[tuple[tuple[Any, str], ...]]

    def get(self, request: Request) -> Response:
        """Answer 200 or 304."""
        return _page(request, self.tag, self.rows(), _terms)

    def rows(self) -> QuerySet[Any]:
        """Return the terms with their counts, by name."""
        count = sum((_count(model, relation) for model, relation in self.uses[1:]), _count(*self.uses[0]))
        return self.model._default_manager.order_by("name", "id").values("slug", "name", count=count)

    def post(self, request: Request) -> Response:
        """Add a term; a slug that is not given is made from the name."""
        return terms.create(request, self.model, self.body, terms.TERM_KEYS, self.shown)

    def shown(self, slug: str) -> Row:
        """Return one term as the list has it."""
        return _terms(self.rows().filter(slug=slug))[0]


class TermDetail(OpenView):
    """One term, which only staff address."""

    of: ClassVar[type[TermList]]

    def patch(self, request: Request, slug: str) -> Response:
        """Change a term; readers see it at once."""
        row = terms.named(self.of.model, slug)
        return terms.update(request, row, self.body, terms.TERM_KEYS, self.of().shown)

    def delete(self, request: Request, slug: str) -> Response:
        """Remove a term that nothing has."""
        return terms.delete(request, terms.named(self.of.model, slug))


def _terms(rows: Iterable[Row]) -> list[Row]:
    return [{"slug": row["slug"], "name": row["name"], "count": row["count"]} for row in rows]


def _page(request: Request, tag: str, rows: QuerySet[Any], serialize: Any) -> Response:
    refuse_unknown(request, query.PAGING)
    if (unchanged := caching.not_modified(request, [tag])) is not None:
        return unchanged
    version, total = version_and_total(rows)
    meta = {"content_version": version.number}
    response = page_list(request, rows, serialize=serialize, meta=meta, total=total)
    return caching.with_headers(response, request, version, [tag])


class TagList(TermList):
    """The tags of posts."""

    model, tag, uses = Tag, "tags", ((Post, "tags"),)


class CategoryList(TermList):
    """The categories of posts."""

    model, tag, uses = Category, "categories", ((Post, "category"),)


class TechnologyList(TermList):
    """The technologies of services and projects."""

    model, tag, uses = Technology, "technologies", ((Service, "technologies"), (Project, "technologies"))


def _authors() -> QuerySet[Any]:
    count = _count(Post, "authors")
    return Author.objects.order_by("name", "id").values(
        "slug", "name", "bio", _avatar=image_json("avatar"), count=count
    )


def _author_row(row: Row) -> Row:
    return {"slug": row["slug"], "name": row["name"], "avatar": image(row["_avatar"]), "count": row["count"]}


def _author(row: Row) -> Row:
    links = {"self": absolute(f"/api/authors/{row['slug']}")}
    return {**_author_row(row), "bio": rich_text.render(row["bio"]), "links": links}


def _author_at(slug: str) -> Row:
    return _author(_authors().get(slug=slug))


class AuthorList(OpenView):
    """A page of the authors."""

    def get(self, request: Request) -> Response:
        """Answer 200 or 304."""
        return _page(request, "authors", _authors(), lambda rows: [_author_row(row) for row in rows])

    def post(self, request: Request) -> Response:
        """Add an author; a slug that is not given is made from the name."""
        return terms.create(request, Author, self.body, terms.AUTHOR_KEYS, _author_at)


class AuthorDetail(OpenView):
    """One author."""

    def get(self, request: Request, slug: str) -> Response:
        """Answer 200, 304 or 404."""
        refuse_unknown(request, ())
        row = _authors().filter(slug=slug).first() if SLUG.fullmatch(slug) else None
        if row is None:
            raise NotFound
        tags = ["authors", f"authors:{slug}"]
        if (unchanged := caching.not_modified(request, tags)) is not None:
            return unchanged
        return caching.with_headers(Response(_author(row)), request, selectors.content_version(), tags)

    def patch(self, request: Request, slug: str) -> Response:
        """Change an author; readers see it at once."""
        return terms.update(request, terms.named(Author, slug), self.body, terms.AUTHOR_KEYS, _author_at)

    def delete(self, request: Request, slug: str) -> Response:
        """Remove an author who signed nothing."""
        return terms.delete(request, terms.named(Author, slug))


class RedirectDetail(PublicView):
    """Where a path of the site leads now."""

    def get(self, request: Request) -> Response:
        """Answer 200 for a renamed path and for one that is gone, else 404."""
        refuse_unknown(request, ("path",))
        path = single(request, "path") or ""
        section, _, slug = path.removeprefix("/").partition("/")
        kinds = [kind for kind in registry.all_types() if section == kind.page]
        if len(path) > PATH_MAX or not kinds or not SLUG.fullmatch(slug) or kinds[0].live().filter(slug=slug).exists():
            raise NotFound
        version = selectors.content_version()
        try:
            selectors.raise_absent(kinds[0], slug)
        except selectors.Moved as moved:
            body = {"path": path, "to": f"/{section}/{moved.slug}", "status": 301}
        except Gone:
            body = {"path": path, "to": None, "status": 410}
        return caching.with_headers(Response(body), request, version, [kinds[0].tag, f"{kinds[0].tag}:{slug}"])
