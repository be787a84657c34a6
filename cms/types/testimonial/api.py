"""Testimonials in the public API."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from rest_framework import serializers

from cms import shared
from cms.models import Project, Service, Testimonial
from cms.output import ReferenceSerializer, one, picture, plain
from cms.registry import ContentType, Filter, Include, Kind, register
from cms.types.testimonial.models import RATING_MAX
from cms.writing import own
from common.api.serializers import InstantField

PATH, PAGE = "testimonials", "testimonials"


def _by_project(queryset: QuerySet[Any], slug: str) -> QuerySet[Any]:
    return queryset.filter(Exists(Project.objects.all().live().filter(slug=slug, pk=OuterRef("project_id"))))


def _by_service(queryset: QuerySet[Any], slug: str) -> QuerySet[Any]:
    services = Service.objects.all().live().filter(slug=slug, projects=OuterRef("pk"))
    projects = Project.objects.all().live().filter(Exists(services), pk=OuterRef("project_id"))
    return queryset.filter(Exists(projects))


def _by_rating(queryset: QuerySet[Any], rating: int) -> QuerySet[Any]:
    return queryset.filter(rating=rating)


ABOUT = Project.objects.all().live().filter(pk=OuterRef("project_id"))

TESTIMONIAL = register(
    ContentType(
        name="testimonial",
        model=Testimonial,
        operation="Testimonial",
        path=PATH,
        page=PAGE,
        tag="testimonials",
        list_outputs=(
            *shared.HEAD,
            plain("quote", serializers.CharField()),
            plain("person", serializers.CharField()),
            plain("role", serializers.CharField(allow_blank=True)),
            plain("company", serializers.CharField(allow_blank=True)),
            picture("avatar"),
            plain("rating", serializers.IntegerField(allow_null=True)),
            one(
                "project",
                ReferenceSerializer(allow_null=True),
                ABOUT,
                of=Project.objects.all(),
                slug="slug",
                title="title",
            ),
            plain("verified", serializers.BooleanField()),
            *shared.TAIL,
        ),
        detail_outputs=(
            plain("source_url", serializers.CharField(allow_blank=True)),
            *shared.detail_tail(PATH, PAGE),
        ),
        sorts={**shared.sorts("position", "published_at"), **shared.both_ways("rating")},
        default_sort="position",
        filters=(
            *shared.FILTERS,
            Filter("project", Kind.SLUG, _by_project, "About this project."),
            Filter("service", Kind.SLUG, _by_service, "About a project of this service."),
            Filter("rating", Kind.NUMBER, _by_rating, "With this rating.", most=RATING_MAX),
        ),
        includes=(Include("project", "project", many=False),),
        draft_outputs=(plain("consent_at", InstantField(allow_null=True)),),
        writable=(
            *shared.WRITABLE,
            *own("person", "quote", "role", "company", "avatar", "rating", "project", "source_url", "consent_at"),
            *own("verified"),
        ),
    )
)
