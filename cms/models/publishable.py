"""What every publishable type shares: the workflow's columns, and those of content that has an address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from cms.constants import PROBLEM_MAX, SEO_DESCRIPTION_MAX, SEO_TITLE_MAX, SLUG_MAX, TITLE_MAX, State
from cms.validators import validate_plain, validate_slug, validate_web_address
from common.ids import uuid7


@dataclass(frozen=True)
class Ordered:
    """An ordered relation: the model between, its key of the item, its key of the other, texts of the pair."""

    through: str
    owner: str
    target: str
    texts: tuple[str, ...] = ()


class Publishable(models.Model):
    """The workflow's columns, written only by `cms.actions`.

    The other columns hold the live values while the row is public, and the newest draft's until then; the newest
    draft of a public row is in `latest_revision`.
    """

    ORDERED: ClassVar[Mapping[str, Ordered]] = {}
    CONSENT_KEY: ClassVar[str] = ""  # the column that records since when somebody agrees to be shown
    RECORDED: ClassVar[tuple[str, ...]] = ()  # columns that belong to the draft, and that actions write

    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT, editable=False)
    publish_at = models.DateTimeField(null=True, blank=True, editable=False)
    unpublish_at = models.DateTimeField(null=True, blank=True, editable=False)
    first_published_at = models.DateTimeField(null=True, blank=True, editable=False)
    published_at = models.DateTimeField("published", null=True, blank=True, editable=False)
    live_revision = models.ForeignKey(
        "cms.Revision", null=True, blank=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    latest_revision = models.ForeignKey(
        "cms.Revision", null=True, blank=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    scheduled_revision = models.ForeignKey(
        "cms.Revision", null=True, blank=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    schedule_problem = models.CharField(
        max_length=PROBLEM_MAX,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="Why the last schedule was called off, until somebody saves or moves the item.",
    )
    lock_version = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    edited_at = models.DateTimeField("last edited", db_default=Now(), editable=False)
    updated_at = models.DateTimeField("last changed", db_default=Now(), editable=False)

    class Meta:
        abstract = True
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            models.CheckConstraint(name="%(app_label)s_%(class)s_state_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(
                name="%(app_label)s_%(class)s_live_complete",
                condition=~Q(state=State.LIVE) | Q(live_revision__isnull=False),
            ),
            models.CheckConstraint(
                name="%(app_label)s_%(class)s_public_since",
                condition=Q(live_revision__isnull=True)
                | Q(published_at__isnull=False, first_published_at__isnull=False),
            ),
            models.CheckConstraint(
                name="%(app_label)s_%(class)s_scheduled",
                condition=~Q(state=State.SCHEDULED) | Q(publish_at__isnull=False, scheduled_revision__isnull=False),
            ),
            models.CheckConstraint(
                name="%(app_label)s_%(class)s_span",
                condition=Q(publish_at__isnull=True)
                | Q(unpublish_at__isnull=True)
                | Q(unpublish_at__gt=F("publish_at")),
            ),
            models.CheckConstraint(
                name="%(app_label)s_%(class)s_schedule_kept",
                condition=Q(state=State.SCHEDULED) | Q(publish_at__isnull=True, scheduled_revision__isnull=True),
            ),
            models.CheckConstraint(
                name="%(app_label)s_%(class)s_unpublish_kept",
                condition=Q(state__in=(State.SCHEDULED, State.LIVE)) | Q(unpublish_at__isnull=True),
            ),
        )

    def derive(self) -> None:
        """Set what is computed from other columns; called before every write of the content's columns."""

    def missing(self) -> list[tuple[str, str]]:
        """Return (key, what is missing) for all that keeps these columns from being published, pictures aside."""
        return []

    @classmethod
    def needs_consent(cls, snapshot: Mapping[str, Any]) -> bool:  # noqa: ARG003 - a type may ask it
        """Whether these values may be shown only while `CONSENT_KEY` is recorded."""
        return bool(cls.CONSENT_KEY)

    @classmethod
    def recorded(
        cls,
        before: Mapping[str, Any],  # noqa: ARG003 - types with `RECORDED` use it
        after: Mapping[str, Any],  # noqa: ARG003
        who: str,  # noqa: ARG003
    ) -> dict[str, Any]:
        """Return the values of `RECORDED` after `who` changed a draft from `before` (empty: a new one) to `after`."""
        return {}

    @property
    def is_public(self) -> bool:
        """Whether visitors see it now."""
        return self.live_revision_id is not None

    @property
    def has_unpublished_changes(self) -> bool:
        """Whether the newest version is not the public one."""
        return self.live_revision_id is not None and self.live_revision_id != self.latest_revision_id


class LiveQuerySet(models.QuerySet[Any]):
    """Where every public query starts."""

    def live(self) -> "LiveQuerySet":
        """Only what is public: it has a live revision and is not in the trash."""
        return self.filter(live_revision__isnull=False, deleted_at__isnull=True)


class ContentItem(Publishable):
    """Publishable content with a title and an address of its own."""

    NAME_KEY: ClassVar[str] = "title"  # the column that staff write the item's name in

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    title = models.CharField(max_length=TITLE_MAX, validators=[validate_plain])
    slug = models.CharField(
        max_length=SLUG_MAX,
        blank=True,
        validators=[validate_slug],
        help_text="The last part of the address. Left empty, it is made from the title.",
    )
    draft_slug = models.CharField(max_length=SLUG_MAX, editable=False)
    draft_title = models.CharField(max_length=TITLE_MAX, editable=False)
    position = models.PositiveIntegerField(default=0, help_text="Smaller numbers come first.")
    featured = models.BooleanField(default=False, help_text="Shown on the home page.")

    seo_title = models.CharField(
        "title in search results", max_length=SEO_TITLE_MAX, blank=True, validators=[validate_plain]
    )
    seo_description = models.CharField(
        "description in search results", max_length=SEO_DESCRIPTION_MAX, blank=True, validators=[validate_plain]
    )
    og_image = models.ForeignKey(
        "cms.MediaAsset",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name="picture when shared",
    )
    canonical_url = models.CharField(
        "canonical address",
        max_length=500,
        blank=True,
        validators=[validate_web_address],
        help_text="Only if the original stands somewhere else.",
    )
    noindex = models.BooleanField("hide from search engines", default=False)

    created_by = models.ForeignKey(
        "accounts.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    deleted_by = models.CharField(max_length=254, blank=True, editable=False)

    objects: ClassVar[Any] = LiveQuerySet.as_manager()

    class Meta(Publishable.Meta):
        abstract = True
        ordering: ClassVar[tuple[str, ...]] = ("position", "id")
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            *Publishable.Meta.constraints,
            models.CheckConstraint(
                name="%(app_label)s_%(class)s_trash_not_public",
                condition=Q(deleted_at__isnull=True)
                | (Q(live_revision__isnull=True) & ~Q(state__in=(State.LIVE, State.SCHEDULED))),
            ),
            models.UniqueConstraint(
                name="%(app_label)s_%(class)s_slug_once", fields=["slug"], condition=Q(deleted_at__isnull=True)
            ),
            models.UniqueConstraint(
                name="%(app_label)s_%(class)s_draft_slug_once",
                fields=["draft_slug"],
                condition=Q(deleted_at__isnull=True),
            ),
        )
        indexes: ClassVar[tuple[models.Index, ...]] = (
            models.Index(
                name="%(app_label)s_%(class)s_position",
                fields=["position", "id"],
                condition=Q(live_revision__isnull=False, deleted_at__isnull=True),
            ),
            models.Index(
                name="%(app_label)s_%(class)s_newest",
                fields=["-published_at", "-id"],
                condition=Q(live_revision__isnull=False, deleted_at__isnull=True),
            ),
            models.Index(
                name="%(app_label)s_%(class)s_featured",
                fields=["-published_at", "-id"],
                condition=Q(featured=True, live_revision__isnull=False, deleted_at__isnull=True),
            ),
            models.Index(
                name="%(app_label)s_%(class)s_title",
                fields=["title", "id"],
                condition=Q(live_revision__isnull=False, deleted_at__isnull=True),
            ),
            models.Index(
                name="%(app_label)s_%(class)s_publish_due",
                fields=["publish_at"],
                condition=Q(publish_at__isnull=False),
            ),
            models.Index(
                name="%(app_label)s_%(class)s_unpublish_due",
                fields=["unpublish_at"],
                condition=Q(unpublish_at__isnull=False),
            ),
            models.Index(
                name="%(app_label)s_%(class)s_trashed", fields=["deleted_at"], condition=Q(deleted_at__isnull=False)
            ),
        )

    def __str__(self) -> str:
        """The newest title, as staff know it; of a row that `rights.readable` found the newest for that reader."""
        return str(getattr(self, "shown_title", "") or self.draft_title or self.title)

    def missing(self) -> list[tuple[str, str]]:
        """Name what every public item needs."""
        gaps = [] if self.title.strip() else [("title", "A title is needed.")]
        return gaps if self.slug else [*gaps, ("slug", "An address is needed.")]
