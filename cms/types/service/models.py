"""What the studio sells."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.core.exceptions import ValidationError
from django.core.validators import MinLengthValidator, RegexValidator
from django.db import models
from django.db.models import F, Q

from cms.constants import SUMMARY_MAX, TITLE_MAX, PriceKind, ServiceIcon
from cms.fields import PartsField, RichTextField
from cms.models.publishable import ContentItem
from cms.parts import Key, Kind
from cms.validators import validate_link, validate_plain

FEATURE_KEYS = (Key("title", "Title"), Key("text", "Text", max_length=1000, required=False, kind=Kind.LONG))
FAQ_KEYS = (Key("question", "Question", max_length=300), Key("answer", "Answer", max_length=2000, kind=Kind.LONG))
SEARCHED = SearchVector("title", "tagline", weight="A", config="english") + SearchVector(
    "summary", "body", weight="B", config="english"
)


class Service(ContentItem):
    """A service with its price as shown; how it is booked belongs to bookings."""

    tagline = models.CharField(max_length=TITLE_MAX, blank=True, validators=[validate_plain])
    summary = models.CharField(max_length=SUMMARY_MAX, blank=True, validators=[validate_plain])
    body = RichTextField()
    icon = models.CharField(max_length=20, choices=ServiceIcon.choices, default=ServiceIcon.CODE)
    cover = models.ForeignKey("cms.MediaAsset", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    price_kind = models.CharField("price", max_length=12, choices=PriceKind.choices, default=PriceKind.ON_REQUEST)
    price_amount = models.PositiveBigIntegerField(
        "amount", null=True, blank=True, help_text="In the smallest unit of the currency (cents)."
    )
    price_currency = models.CharField(
        "currency",
        max_length=3,
        blank=True,
        validators=[MinLengthValidator(3), RegexValidator(r"^[A-Z]{3}$", "Three capital letters, such as KES.")],
    )
    delivery_weeks_min = models.PositiveSmallIntegerField("weeks, at least", null=True, blank=True)
    delivery_weeks_max = models.PositiveSmallIntegerField("weeks, at most", null=True, blank=True)
    features = PartsField("what is included", keys=FEATURE_KEYS)
    faq = PartsField("questions and answers", keys=FAQ_KEYS)
    technologies = models.ManyToManyField("cms.Technology", blank=True, related_name="services")
    call_to_action_label = models.CharField("button", max_length=60, blank=True, validators=[validate_plain])
    call_to_action_url = models.CharField("button leads to", max_length=500, blank=True, validators=[validate_link])
    search = models.GeneratedField(
        expression=SEARCHED, output_field=SearchVectorField(), db_persist=True, editable=False
    )

    class Meta(ContentItem.Meta):
        permissions = (
            ("publish_service", "Can publish and unpublish services"),
            ("submit_service", "Can hand in services for review"),
        )
        constraints = (
            *ContentItem.Meta.constraints,
            models.CheckConstraint(
                name="cms_service_price_pair",
                condition=Q(price_amount__isnull=True, price_currency="")
                | (Q(price_amount__isnull=False) & ~Q(price_currency="")),
            ),
            models.CheckConstraint(
                name="cms_service_price_as_kind_says",
                condition=Q(live_revision__isnull=True)
                | Q(price_kind=PriceKind.ON_REQUEST, price_amount__isnull=True)
                | (~Q(price_kind=PriceKind.ON_REQUEST) & Q(price_amount__isnull=False)),
            ),
            models.CheckConstraint(
                name="cms_service_delivery_span",
                condition=Q(delivery_weeks_min__isnull=True, delivery_weeks_max__isnull=True)
                | Q(
                    delivery_weeks_min__isnull=False,
                    delivery_weeks_max__isnull=False,
                    delivery_weeks_max__gte=F("delivery_weeks_min"),
                ),
            ),
        )
        indexes = (*ContentItem.Meta.indexes, GinIndex(name="cms_service_search", fields=["search"]))

    def clean(self) -> None:
        """Refuse an amount without a currency, half a span of weeks, or one that runs backwards."""
        super().clean()
        if (self.price_amount is None) != (self.price_currency == ""):
            raise ValidationError({"price_currency": "An amount and its currency go together."})
        least, most = self.delivery_weeks_min, self.delivery_weeks_max
        if (least is None) != (most is None) or (least is not None and most is not None and most < least):
            raise ValidationError({"delivery_weeks_max": "Give both numbers of weeks, the smaller one first."})

    def missing(self) -> list[tuple[str, str]]:
        """A public service also has a summary, and a price unless it is on request."""
        gaps = super().missing()
        if not self.summary.strip():
            gaps.append(("summary", "A summary is needed."))
        if self.price_kind == PriceKind.ON_REQUEST and self.price_amount is not None:
            gaps.append(("price", "A price on request has no amount."))
        if self.price_kind != PriceKind.ON_REQUEST and self.price_amount is None:
            gaps.append(("price", "This kind of price needs an amount and a currency."))
        return gaps
