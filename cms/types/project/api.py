"""Projects in the public API."""

from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery
from rest_framework import serializers

from cms import shared
from cms.constants import Disclosure
from cms.models import GalleryImage, Project, Service, Technology, Testimonial
from cms.output import (
    ImageSerializer,
    Output,
    ReferenceSerializer,
    Row,
    TermSerializer,
    gathered,
    image,
    image_json,
    many,
    of_row,
    one,
    plain,
    rich,
)
from cms.registry import ContentType, Filter, Include, Kind, register

PATH, PAGE = "projects", "projects"


class ClientSerializer(serializers.Serializer[Any]):
    """For whom it was made."""

    name = serializers.CharField()


class MetricSerializer(serializers.Serializer[Any]):
    """A figure that changed."""

    label = serializers.CharField()  # type: ignore[assignment]  # DRF keeps declared fields apart from its own `label`
    value = serializers.CharField()
    unit = serializers.CharField(allow_blank=True)
    before = serializers.CharField(allow_blank=True)
    after = serializers.CharField(allow_blank=True)


class GalleryImageSerializer(ImageSerializer):
    """A picture of the project."""

    caption = serializers.CharField(allow_blank=True)


def _client(row: Row) -> dict[str, str] | None:
    return {"name": row["client_name"]} if row["disclosure"] == Disclosure.PUBLIC else None


def _gallery(row: Row) -> list[dict[str, Any]]:
    return [{**(image(found["media"]) or {}), "caption": found["caption"]} for found in row["_gallery"]]


def _by_service(queryset: QuerySet[Any], slug: str) -> QuerySet[Any]:
    return queryset.filter(Exists(Service.objects.all().live().filter(slug=slug, projects=OuterRef("pk"))))


def _by_technology(queryset: QuerySet[Any], slug: str) -> QuerySet[Any]:
    return queryset.filter(Exists(Technology.objects.filter(slug=slug, projects=OuterRef("pk"))))


def _by_year(queryset: QuerySet[Any], year: int) -> QuerySet[Any]:
    return queryset.filter(started_on__gte=date(year, 1, 1), started_on__lte=date(year, 12, 31))


PICTURES = GalleryImage.objects.filter(of_row("project")).order_by("position")
SERVICES = Service.objects.all().live().filter(of_row("projects")).order_by("position", "id")
TERMS = Technology.objects.filter(of_row("projects")).order_by("name", "id")
TESTIMONIAL = Testimonial.objects.all().live().filter(pk=OuterRef("testimonial_id"))

PROJECT = register(
    ContentType(
        name="project",
        model=Project,
        operation="Project",
        path=PATH,
        page=PAGE,
        tag="projects",
        list_outputs=(
            *shared.HEAD,
            Output("client", ClientSerializer(allow_null=True), _client, ("client_name", "disclosure")),
            plain("summary", serializers.CharField()),
            Output(
                "cover",
                ImageSerializer(allow_null=True),
                lambda row: image(row["_cover"]),
                (),
                {"_cover": Subquery(PICTURES.values(found=image_json("media"))[:1])},
            ),
            many("services", ReferenceSerializer(many=True), SERVICES, slug="slug", title="title"),
            many("technologies", TermSerializer(many=True), TERMS, slug="slug", name="name"),
            plain("role", serializers.CharField(allow_blank=True)),
            plain("started_on", serializers.DateField(allow_null=True)),
            plain("ended_on", serializers.DateField(allow_null=True)),
            *shared.TAIL,
        ),
        detail_outputs=(
            rich("challenge"),
            rich("approach"),
            rich("outcome"),
            plain("metrics", MetricSerializer(many=True)),
            Output(
                "gallery",
                GalleryImageSerializer(many=True),
                _gallery,
                (),
                {"_gallery": gathered(PICTURES, media=image_json("media"), caption="caption")},
            ),
            plain("site_url", serializers.CharField(allow_blank=True)),
            plain("repository_url", serializers.CharField(allow_blank=True)),
            one("testimonial", ReferenceSerializer(allow_null=True), TESTIMONIAL, slug="slug", title="title"),
            *shared.detail_tail(PATH, PAGE),
        ),
        sorts={**shared.sorts("position", "title", "published_at"), **shared.both_ways("started_on")},
        default_sort="position",
        filters=(
            *shared.FILTERS,
            Filter("service", Kind.SLUG, _by_service, "Done as part of this service."),
            Filter("technology", Kind.SLUG, _by_technology, "Made with this technology."),
            Filter("year", Kind.NUMBER, _by_year, "Started in this year."),
        ),
        includes=(Include("services", "service", many=True), Include("testimonial", "testimonial", many=False)),
    )
)
