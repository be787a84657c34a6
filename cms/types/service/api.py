"""Services in the public API."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from rest_framework import serializers

from cms import ports, shared
from cms.constants import PriceKind, ServiceIcon
from cms.models import Project, Service, Technology
from cms.output import Output, ReferenceSerializer, Row, TermSerializer, many, money, of_row, picture, plain, rich
from cms.registry import ContentType, Filter, Include, Kind, register
from cms.writing import group, own
from common.api.serializers import CurrencyField, MoneySerializer, StrictIntegerField
from common.money import LARGEST_AMOUNT

PATH, PAGE = "services", "services"


class WeeksSerializer(serializers.Serializer[Any]):
    """How long delivery takes."""

    min = serializers.IntegerField()
    max = serializers.IntegerField()


class ServiceBookingSerializer(serializers.Serializer[Any]):
    """How the service is booked."""

    mode = serializers.ChoiceField(choices=["request", "slot"])
    duration_minutes = serializers.IntegerField()
    price = MoneySerializer()
    deposit_percent = serializers.IntegerField()


class FeatureSerializer(serializers.Serializer[Any]):
    """Something that is included."""

    title = serializers.CharField()
    text = serializers.CharField(allow_blank=True)


class QuestionSerializer(serializers.Serializer[Any]):
    """A question with its answer."""

    question = serializers.CharField()
    answer = serializers.CharField()


class ActionSerializer(serializers.Serializer[Any]):
    """A button."""

    label = serializers.CharField()  # type: ignore[assignment]  # DRF keeps declared fields apart from its own `label`
    url = serializers.CharField()


def _weeks(row: Row) -> dict[str, int] | None:
    least, most = row["delivery_weeks_min"], row["delivery_weeks_max"]
    return None if least is None else {"min": least, "max": most}


def _call_to_action(row: Row) -> dict[str, str] | None:
    label, url = row["call_to_action_label"], row["call_to_action_url"]
    return {"label": label, "url": url} if label and url else None


def _booking(rows: Sequence[Row]) -> Any:
    return ports.service_parts([row["id"] for row in rows])


def _by_technology(queryset: QuerySet[Any], slug: str) -> QuerySet[Any]:
    return queryset.filter(Exists(Technology.objects.filter(slug=slug, services=OuterRef("pk"))))


BY_NAME = Technology.objects.order_by("name", "id")
TERMS = BY_NAME.filter(of_row("services"))
PROJECTS = Project.objects.all().live().filter(of_row("services")).order_by("position", "id")

SERVICE = register(
    ContentType(
        name="service",
        model=Service,
        operation="Service",
        path=PATH,
        page=PAGE,
        tag="services",
        list_outputs=(
            *shared.HEAD,
            plain("tagline", serializers.CharField(allow_blank=True)),
            plain("summary", serializers.CharField()),
            plain("icon", serializers.ChoiceField(choices=ServiceIcon.values)),
            picture("cover"),
            plain("price_kind", serializers.ChoiceField(choices=PriceKind.values)),
            money("price", "price_amount", "price_currency"),
            Output(
                "delivery_weeks", WeeksSerializer(allow_null=True), _weeks, ("delivery_weeks_min", "delivery_weeks_max")
            ),
            many("technologies", TermSerializer(many=True), TERMS, of=BY_NAME, slug="slug", name="name"),
            Output("booking", ServiceBookingSerializer(allow_null=True), columns=("id",), batch=_booking),
            *shared.TAIL,
        ),
        detail_outputs=(
            rich("body"),
            plain("features", FeatureSerializer(many=True)),
            plain("faq", QuestionSerializer(many=True)),
            Output(
                "call_to_action",
                ActionSerializer(allow_null=True),
                _call_to_action,
                ("call_to_action_label", "call_to_action_url"),
            ),
            many("projects", ReferenceSerializer(many=True), PROJECTS, slug="slug", title="title"),
            *shared.detail_tail(PATH, PAGE),
        ),
        sorts=shared.sorts("position", "title", "published_at"),
        default_sort="position",
        filters=(
            *shared.FILTERS,
            Filter("technology", Kind.SLUG, _by_technology, "Made with this technology."),
            Filter("bookable", Kind.BOOLEAN, ports.only_bookable, "Only what can, or cannot, be booked."),
        ),
        includes=(Include("projects", "project", many=True),),
        writable=(
            *shared.WRITABLE,
            *own("title", "tagline", "summary", "body", "icon", "cover", "price_kind"),
            group(
                "price",
                amount="price_amount",
                currency="price_currency",
                fields={
                    "price_amount": StrictIntegerField(min_value=0, max_value=LARGEST_AMOUNT),
                    "price_currency": CurrencyField(),
                },
            ),
            group("delivery_weeks", min="delivery_weeks_min", max="delivery_weeks_max"),
            *own("features", "faq", "technologies"),
            group("call_to_action", label="call_to_action_label", url="call_to_action_url"),
        ),
    )
)
