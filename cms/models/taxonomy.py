"""Words by which content is grouped, and the people who write it."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower

from cms.constants import SLUG_MAX, TITLE_MAX
from cms.fields import RichTextField
from cms.validators import validate_plain, validate_slug
from common.ids import uuid7


class Term(models.Model):
    """A name with a slug; the three taxonomies are alike."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=TITLE_MAX)
    slug = models.CharField(max_length=SLUG_MAX, unique=True, validators=[validate_slug])

    class Meta:
        abstract = True
        ordering = ("name", "id")
        constraints = (models.UniqueConstraint(Lower("name"), name="%(app_label)s_%(class)s_name_once"),)

    def __str__(self) -> str:
        """The name."""
        return self.name

    def clean(self) -> None:
        """Refuse control characters in the name."""
        super().clean()
        refuse_odd_name(self.name)


def refuse_odd_name(name: str) -> None:
    """Raise Django's ValidationError at `name` for control characters."""
    try:
        validate_plain(name)
    except ValidationError as fault:
        raise ValidationError({"name": fault}) from fault


class Tag(Term):
    """What a post is about."""


class Category(Term):
    """The one shelf on which a post stands."""

    class Meta(Term.Meta):
        verbose_name_plural = "categories"


class Technology(Term):
    """What services and projects are made with."""

    class Meta(Term.Meta):
        verbose_name_plural = "technologies"


class Author(models.Model):
    """Who signs posts; not every author has an account."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=TITLE_MAX)
    slug = models.CharField(max_length=SLUG_MAX, unique=True, validators=[validate_slug])
    bio = RichTextField()
    avatar = models.ForeignKey("cms.MediaAsset", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    user = models.OneToOneField(
        "accounts.User",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The account of this author, if there is one.",
    )

    class Meta:
        ordering = ("name", "id")

    def __str__(self) -> str:
        """The name."""
        return self.name

    def clean(self) -> None:
        """Refuse control characters in the name."""
        super().clean()
        refuse_odd_name(self.name)
