"""What the studio writes."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Q

from cms import rich_text
from cms.constants import SUMMARY_MAX
from cms.fields import RichTextField
from cms.models.publishable import ContentItem, Ordered
from cms.validators import validate_plain

SEARCHED = SearchVector("title", weight="A", config="english") + SearchVector(
    "excerpt", "body", weight="B", config="english"
)


class Post(ContentItem):
    """A post of the blog."""

    ORDERED = {
        "authors": Ordered("cms.PostAuthor", "post", "author"),
        "related": Ordered("cms.RelatedPost", "post", "related"),
    }

    excerpt = models.CharField(max_length=SUMMARY_MAX, blank=True, validators=[validate_plain])
    body = RichTextField()
    cover = models.ForeignKey("cms.MediaAsset", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    authors = models.ManyToManyField("cms.Author", through="cms.PostAuthor", blank=True, related_name="posts")
    category = models.ForeignKey("cms.Category", null=True, blank=True, on_delete=models.PROTECT, related_name="posts")
    tags = models.ManyToManyField("cms.Tag", blank=True, related_name="posts")
    pinned = models.BooleanField(default=False, help_text="Stays at the top of the blog.")
    related = models.ManyToManyField(
        "self",
        through="cms.RelatedPost",
        symmetrical=False,
        blank=True,
        related_name="+",
        help_text="Left empty, posts with the same tags are shown.",
    )
    words = models.PositiveIntegerField(default=0, editable=False)
    reading_minutes = models.PositiveSmallIntegerField(default=0, editable=False)
    search = models.GeneratedField(
        expression=SEARCHED, output_field=SearchVectorField(), db_persist=True, editable=False
    )

    class Meta(ContentItem.Meta):
        ordering = ("-pinned", "-published_at", "-id")
        permissions = (
            ("publish_post", "Can publish and unpublish posts"),
            ("submit_post", "Can hand in posts for review"),
        )
        constraints = ContentItem.Meta.constraints
        indexes = (
            *ContentItem.Meta.indexes,
            models.Index(
                name="cms_post_pinned_newest",
                fields=["-pinned", "-published_at", "-id"],
                condition=Q(live_revision__isnull=False, deleted_at__isnull=True),
            ),
            models.Index(
                name="cms_post_updated",
                fields=["updated_at", "id"],
                condition=Q(live_revision__isnull=False, deleted_at__isnull=True),
            ),
            GinIndex(name="cms_post_search", fields=["search"]),
        )

    def derive(self) -> None:
        """Count the words of the body, and the minutes that reading takes."""
        self.words = rich_text.word_count(self.body)
        self.reading_minutes = rich_text.minutes(self.words)

    def missing(self) -> list[tuple[str, str]]:
        """A public post also has an excerpt and a body."""
        gaps = super().missing()
        if not self.excerpt.strip():
            gaps.append(("excerpt", "An excerpt is needed."))
        if not self.body:
            gaps.append(("body", "The text is empty."))
        return gaps


class PostAuthor(models.Model):
    """An author of a post, in order."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="post_authors")
    author = models.ForeignKey("cms.Author", on_delete=models.PROTECT, related_name="post_authors")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(name="cms_post_author_once", fields=["post", "author"]),
            models.UniqueConstraint(name="cms_post_author_place_once", fields=["post", "position"]),
        )


class RelatedPost(models.Model):
    """A post that was chosen to stand below another, in order."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="related_posts")
    related = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(name="cms_related_post_once", fields=["post", "related"]),
            models.UniqueConstraint(name="cms_related_post_place_once", fields=["post", "position"]),
            models.CheckConstraint(name="cms_related_post_not_itself", condition=~Q(post=models.F("related"))),
        )
