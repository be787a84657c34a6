"""Work that the studio has done."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from cms.constants import SUMMARY_MAX, TITLE_MAX, Disclosure
from cms.fields import PartsField, RichTextField
from cms.models.publishable import ContentItem, LiveQuerySet, Ordered
from cms.parts import Key
from cms.validators import validate_plain, validate_web_address

METRIC_KEYS = (
    Key("label", "Label", max_length=100),
    Key("value", "Value", max_length=40),
    Key("unit", "Unit", max_length=20, required=False),
    Key("before", "Before", max_length=40, required=False),
    Key("after", "After", max_length=40, required=False),
)
SEARCHED = SearchVector("title", weight="A", config="english") + SearchVector(
    "summary", "challenge", "approach", "outcome", weight="B", config="english"
)


class ProjectQuerySet(LiveQuerySet):
    """Public projects are never private ones."""

    def live(self) -> "LiveQuerySet":
        """Only what is public and may be shown."""
        return super().live().exclude(disclosure=Disclosure.PRIVATE)


class Project(ContentItem):
    """A project; its client is named only with recorded consent."""

    CONSENT_KEY = "client_consent_at"
    ORDERED = {"gallery": Ordered("cms.GalleryImage", "project", "media", ("caption",))}

    client_name = models.CharField("client", max_length=TITLE_MAX, blank=True, validators=[validate_plain])
    client_consent_at = models.DateTimeField("client agreed on", null=True, blank=True)
    disclosure = models.CharField(max_length=10, choices=Disclosure.choices, default=Disclosure.ANONYMISED)
    summary = models.CharField(max_length=SUMMARY_MAX, blank=True, validators=[validate_plain])
    challenge = RichTextField()
    approach = RichTextField()
    outcome = RichTextField()
    metrics = PartsField("figures", keys=METRIC_KEYS)
    gallery = models.ManyToManyField("cms.MediaAsset", through="cms.GalleryImage", blank=True, related_name="+")
    services = models.ManyToManyField("cms.Service", blank=True, related_name="projects")
    technologies = models.ManyToManyField("cms.Technology", blank=True, related_name="projects")
    started_on = models.DateField("started", null=True, blank=True)
    ended_on = models.DateField("ended", null=True, blank=True)
    role = models.CharField("our role", max_length=TITLE_MAX, blank=True, validators=[validate_plain])
    site_url = models.CharField("website", max_length=500, blank=True, validators=[validate_web_address])
    repository_url = models.CharField("repository", max_length=500, blank=True, validators=[validate_web_address])
    testimonial = models.ForeignKey(
        "cms.Testimonial", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    search = models.GeneratedField(
        expression=SEARCHED, output_field=SearchVectorField(), db_persist=True, editable=False
    )

    objects: ClassVar[Any] = ProjectQuerySet.as_manager()

    class Meta(ContentItem.Meta):
        permissions = (
            ("publish_project", "Can publish and unpublish projects"),
            ("submit_project", "Can hand in projects for review"),
        )
        constraints = (
            *ContentItem.Meta.constraints,
            models.CheckConstraint(
                name="cms_project_named_with_consent",
                condition=Q(live_revision__isnull=True)
                | ~Q(disclosure=Disclosure.PUBLIC)
                | Q(client_consent_at__isnull=False),
            ),
            models.CheckConstraint(
                name="cms_project_dates",
                condition=Q(ended_on__isnull=True) | Q(started_on__isnull=False, ended_on__gte=F("started_on")),
            ),
        )
        indexes = (
            *ContentItem.Meta.indexes,
            models.Index(
                F("started_on").desc(nulls_last=True),
                F("id").desc(),
                name="cms_project_started",
                condition=Q(live_revision__isnull=False, deleted_at__isnull=True),
            ),
            GinIndex(name="cms_project_search", fields=["search"]),
        )

    def clean(self) -> None:
        """Refuse an end without a start, or before it."""
        super().clean()
        if self.ended_on and (self.started_on is None or self.ended_on < self.started_on):
            raise ValidationError({"ended_on": "A project ends after it starts."})

    @classmethod
    def needs_consent(cls, snapshot: Mapping[str, Any]) -> bool:
        """Only a client who is named must have agreed."""
        return bool(snapshot["disclosure"] == Disclosure.PUBLIC)

    def missing(self) -> list[tuple[str, str]]:
        """A public project also has a summary, and the client's consent if it names one."""
        gaps = super().missing()
        if not self.summary.strip():
            gaps.append(("summary", "A summary is needed."))
        if self.disclosure == Disclosure.PRIVATE:
            gaps.append(("disclosure", "A private project is never shown."))
        if self.disclosure == Disclosure.PUBLIC and not self.client_name.strip():
            gaps.append(("client_name", "The client's name is needed."))
        if self.disclosure == Disclosure.PUBLIC and self.client_consent_at is None:
            gaps.append(("client_consent_at", "The client's consent is not recorded."))
        return gaps


class GalleryImage(models.Model):
    """A picture of a project, in its place."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="gallery_images")
    media = models.ForeignKey("cms.MediaAsset", on_delete=models.PROTECT, related_name="+")
    caption = models.CharField(max_length=300, blank=True)
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ("position",)
        constraints = (models.UniqueConstraint(name="cms_gallery_place_once", fields=["project", "position"]),)
