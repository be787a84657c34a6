"""Projects in the public API."""

from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery
from rest_framework import serializers

from cms import shared
from cms.constants import Disclosure
from cms.models import GalleryImage, MediaAsset, Project, Service, Technology, Testimonial
from cms.output import (
    IMAGE_MEMBERS,
    ImageSerializer,
    Output,
    ReferenceSerializer,
    Related,
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
from cms.writing import own
from common.api.serializers import InstantField

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


def _first_picture(gallery: list[dict[str, Any]]) -> Any:
    return gallery[0]["media"] if gallery else None


def _by_service(queryset: QuerySet[Any], slug: str) -> QuerySet[Any]:
    return queryset.filter(Exists(Service.objects.all().live().filter(slug=slug, projects=OuterRef("pk"))))


def _by_technology(queryset: QuerySet[Any], slug: str) -> QuerySet[Any]:
    return queryset.filter(Exists(Technology.objects.filter(slug=slug, projects=OuterRef("pk"))))


def _by_year(queryset: QuerySet[Any], year: int) -> QuerySet[Any]:
    return queryset.filter(started_on__gte=date(year, 1, 1), started_on__lte=date(year, 12, 31))


PICTURES = GalleryImage.objects.filter(of_row("project")).order_by("position")
IN_ORDER = Service.objects.order_by("position", "id")
SERVICES = IN_ORDER.live().filter(of_row("projects"))
BY_NAME = Technology.objects.order_by("name", "id")
TERMS = BY_NAME.filter(of_row("projects"))
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
                drafted={"_cover": Related("gallery", MediaAsset.objects.all(), IMAGE_MEMBERS, _first_picture)},
            ),
            many("services", ReferenceSerializer(many=True), SERVICES, of=IN_ORDER, slug="slug", title="title"),
            many("technologies", TermSerializer(many=True), TERMS, of=BY_NAME, slug="slug", name="name"),
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
                drafted={"_gallery": Related("gallery", MediaAsset.objects.all(), IMAGE_MEMBERS)},
            ),
            plain("site_url", serializers.CharField(allow_blank=True)),
            plain("repository_url", serializers.CharField(allow_blank=True)),
            one(
                "testimonial",
                ReferenceSerializer(allow_null=True),
                TESTIMONIAL,
                of=Testimonial.objects.all(),
                slug="slug",
                title="title",
            ),
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
        draft_outputs=(
            plain("client_name", serializers.CharField(allow_blank=True)),
            plain("client_consent_at", InstantField(allow_null=True)),
            plain("disclosure", serializers.ChoiceField(choices=Disclosure.values)),
        ),
        writable=(
            *shared.WRITABLE,
            *own("title", "client_name", "client_consent_at", "disclosure", "summary", "challenge", "approach"),
            *own("outcome", "metrics", "gallery", "services", "technologies", "role", "started_on", "ended_on"),
            *own("site_url", "repository_url", "testimonial"),
        ),
    )
)
