"""What clients say."""

from collections.abc import Mapping
from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from cms.constants import TITLE_MAX
from cms.models.publishable import ContentItem
from cms.validators import validate_plain, validate_web_address

QUOTE_MAX = 1000
NAME_MAX = 254
RATING_MAX = 5
SEARCHED = SearchVector("person", "company", weight="A", config="english") + SearchVector(
    "quote", weight="B", config="english"
)


class Testimonial(ContentItem):
    """A client's words; its title is the person, and it is public only with recorded consent."""

    NAME_KEY = "person"
    CONSENT_KEY = "consent_at"
    RECORDED = ("verified_by",)

    title = models.GeneratedField(
        expression=F("person"),  # type: ignore[arg-type]  # the stub does not know that an F will do
        output_field=models.CharField(max_length=TITLE_MAX),
        db_persist=True,
        editable=False,
    )
    quote = models.TextField(
        max_length=QUOTE_MAX, blank=True, validators=[MaxLengthValidator(QUOTE_MAX), validate_plain]
    )
    person = models.CharField(max_length=TITLE_MAX, validators=[validate_plain])
    role = models.CharField(max_length=TITLE_MAX, blank=True, validators=[validate_plain])
    company = models.CharField(max_length=TITLE_MAX, blank=True, validators=[validate_plain])
    avatar = models.ForeignKey("cms.MediaAsset", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    rating = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(RATING_MAX)]
    )
    project = models.ForeignKey("cms.Project", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    source_url = models.CharField("source", max_length=500, blank=True, validators=[validate_web_address])
    consent_at = models.DateTimeField("agreed on", null=True, blank=True)
    verified = models.BooleanField(default=False, help_text="We know that this person said it.")
    verified_by = models.CharField(max_length=NAME_MAX, blank=True, editable=False)
    search = models.GeneratedField(
        expression=SEARCHED, output_field=SearchVectorField(), db_persist=True, editable=False
    )

    class Meta(ContentItem.Meta):
        permissions = (
            ("publish_testimonial", "Can publish and unpublish testimonials"),
            ("submit_testimonial", "Can hand in testimonials for review"),
        )
        constraints = (
            *ContentItem.Meta.constraints,
            models.CheckConstraint(
                name="cms_testimonial_public_with_consent",
                condition=Q(live_revision__isnull=True) | Q(consent_at__isnull=False),
            ),
            models.CheckConstraint(
                name="cms_testimonial_rating_range",
                condition=Q(rating__isnull=True) | Q(rating__gte=1, rating__lte=RATING_MAX),
            ),
        )
        indexes = (
            *ContentItem.Meta.indexes,
            models.Index(
                F("rating").desc(nulls_last=True),
                F("id").desc(),
                name="cms_testimonial_rating",
                condition=Q(live_revision__isnull=False, deleted_at__isnull=True),
            ),
            GinIndex(name="cms_testimonial_search", fields=["search"]),
        )

    @classmethod
    def recorded(cls, before: Mapping[str, Any], after: Mapping[str, Any], who: str) -> dict[str, Any]:
        """Write down who vouched for the words, while somebody does."""
        if not after["verified"]:
            return {"verified_by": ""}
        return {} if before.get("verified") else {"verified_by": who[:NAME_MAX]}

    def missing(self) -> list[tuple[str, str]]:
        """A public testimonial has a quote, a person and consent."""
        gaps = [] if self.person.strip() else [("person", "The person's name is needed.")]
        if not self.slug:
            gaps.append(("slug", "An address is needed."))
        if not self.quote.strip():
            gaps.append(("quote", "The quote is empty."))
        if self.consent_at is None:
            gaps.append(("consent_at", "The person's consent is not recorded."))
        return gaps
