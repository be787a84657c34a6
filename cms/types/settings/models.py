"""What holds for the whole site."""

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator, MaxLengthValidator
from django.db import models
from django.db.models import F, Q

from cms.constants import SEO_DESCRIPTION_MAX
from cms.fields import PartsField, RichTextField
from cms.models.publishable import Publishable
from cms.parts import Key, Kind
from cms.validators import validate_link, validate_plain, validate_web_address

OPENING_HOURS_KEYS = (
    Key("weekday", "Day", kind=Kind.WEEKDAY),
    Key("opens", "Opens", max_length=5, kind=Kind.TIME),
    Key("closes", "Closes", max_length=5, kind=Kind.TIME),
)
SOCIAL_KEYS = (Key("network", "Network", max_length=40), Key("url", "Address", max_length=500, kind=Kind.LINK))
LINK_KEYS = (Key("label", "Label", max_length=60), Key("url", "Address", max_length=500, kind=Kind.LINK))


class SiteSettings(Publishable):
    """One row. No secret ever stands here; the public answer is an allow-list all the same."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    name = models.CharField("studio's name", max_length=100, validators=[validate_plain])
    legal_name = models.CharField(max_length=200, blank=True, validators=[validate_plain])
    tagline = models.CharField(max_length=200, blank=True, validators=[validate_plain])
    logo = models.ForeignKey("cms.MediaAsset", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    icon = models.ForeignKey("cms.MediaAsset", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    email = models.CharField("e-mail", max_length=254, blank=True, validators=[EmailValidator()])
    phone = models.CharField(max_length=40, blank=True, validators=[validate_plain])
    address = models.TextField(max_length=500, blank=True, validators=[MaxLengthValidator(500), validate_plain])
    map_url = models.CharField("map", max_length=500, blank=True, validators=[validate_web_address])
    opening_hours = PartsField(keys=OPENING_HOURS_KEYS)
    social = PartsField("social networks", keys=SOCIAL_KEYS)
    navigation_header = PartsField("links at the top", keys=LINK_KEYS)
    navigation_footer = PartsField("links at the bottom", keys=LINK_KEYS)
    seo_title_template = models.CharField(
        "title of every page",
        max_length=100,
        default="%s",
        validators=[validate_plain],
        help_text="%s stands for the title of the page.",
    )
    seo_description = models.CharField(
        "description of the site", max_length=SEO_DESCRIPTION_MAX, blank=True, validators=[validate_plain]
    )
    seo_image = models.ForeignKey(
        "cms.MediaAsset",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name="picture when shared",
    )
    analytics_cookieless = models.BooleanField("count visits without cookies", default=True)
    analytics_do_not_track = models.BooleanField("respect Do Not Track", default=True)
    privacy_url = models.CharField("privacy notice", max_length=500, default="/privacy", validators=[validate_link])
    terms_url = models.CharField("terms", max_length=500, default="/terms", validators=[validate_link])
    imprint = models.TextField(max_length=2000, blank=True, validators=[MaxLengthValidator(2000), validate_plain])
    privacy_text = RichTextField("text of the privacy notice")
    terms_text = RichTextField("text of the terms")
    announcement_text = models.CharField(max_length=200, blank=True, validators=[validate_plain])
    announcement_url = models.CharField(max_length=500, blank=True, validators=[validate_link])
    announcement_starts_at = models.DateTimeField(null=True, blank=True)
    announcement_ends_at = models.DateTimeField(null=True, blank=True)

    class Meta(Publishable.Meta):
        verbose_name = verbose_name_plural = "site settings"
        default_permissions = ("change", "view")
        permissions = (("publish_sitesettings", "Can publish the site settings"),)
        constraints = (
            *Publishable.Meta.constraints,
            models.CheckConstraint(name="cms_sitesettings_one_row", condition=Q(id=1)),
            models.CheckConstraint(
                name="cms_sitesettings_announcement_span",
                condition=Q(announcement_starts_at__isnull=True)
                | Q(announcement_ends_at__isnull=True)
                | Q(announcement_ends_at__gt=F("announcement_starts_at")),
            ),
        )

    def __str__(self) -> str:
        """What the admin calls the one row."""
        return "Site settings"

    def clean(self) -> None:
        """Refuse an announcement that ends before it starts."""
        super().clean()
        starts, ends = self.announcement_starts_at, self.announcement_ends_at
        if starts and ends and ends <= starts:
            raise ValidationError({"announcement_ends_at": "It must end after it starts."})

    def missing(self) -> list[tuple[str, str]]:
        """The site has a name, and a template that the title of a page fits into."""
        gaps = [] if self.name.strip() else [("name", "The studio's name is needed.")]
        if self.seo_title_template.count("%s") != 1:
            gaps.append(("seo_title_template", "It must hold %s exactly once."))
        return gaps
