"""The site settings in the public API: an allow-list of keys, whatever the table holds."""

import functools
from typing import Any

from django.conf import settings
from rest_framework import serializers

from cms.models import SiteSettings
from cms.output import ImageSerializer, Output, asset, image, image_json
from cms.registry import Singleton, register_singleton
from cms.writing import group, own
from common.api.serializers import InstantField, SelfLinkSerializer
from common.instants import instant
from common.links import absolute

PATH = "settings"
_PICTURE_COLUMNS = ("logo", "icon", "seo_image")
_PICTURES = {f"_{name}": image_json(name) for name in _PICTURE_COLUMNS}
_COLUMNS = (
    "name",
    "legal_name",
    "tagline",
    "email",
    "phone",
    "address",
    "map_url",
    "opening_hours",
    "social",
    "navigation_header",
    "navigation_footer",
    "seo_title_template",
    "seo_description",
    "analytics_cookieless",
    "analytics_do_not_track",
    "privacy_url",
    "terms_url",
    "imprint",
    "announcement_text",
    "announcement_url",
    "announcement_starts_at",
    "announcement_ends_at",
    "updated_at",
)


def read() -> dict[str, Any]:
    """Return the public settings, by one query; before the first publication the defaults with the studio's name."""
    row = SiteSettings.objects.filter(live_revision__isnull=False).values(*_COLUMNS, **_PICTURES).first()
    return _shape(row or _defaults())


def _defaults() -> dict[str, Any]:
    fresh = SiteSettings(name=settings.STUDIO_NAME)
    values = {name: getattr(fresh, name) for name in _COLUMNS if name != "updated_at"}
    return values | dict.fromkeys(_PICTURES) | {"updated_at": None}


def _shape(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "identity": {
            "name": row["name"],
            "legal_name": row["legal_name"],
            "tagline": row["tagline"],
            "logo": image(row["_logo"]),
            "icon": image(row["_icon"]),
        },
        "contact": {
            "email": row["email"] or None,
            "phone": row["phone"] or None,
            "address": row["address"] or None,
            "map_url": row["map_url"] or None,
        },
        "opening_hours": row["opening_hours"],
        "social": row["social"],
        "navigation": {"header": row["navigation_header"], "footer": row["navigation_footer"]},
        "seo": {
            "title_template": row["seo_title_template"],
            "description": row["seo_description"],
            "image": image(row["_seo_image"]),
        },
        "analytics": {"cookieless": row["analytics_cookieless"], "do_not_track": row["analytics_do_not_track"]},
        "legal": {"privacy_url": row["privacy_url"], "terms_url": row["terms_url"], "imprint": row["imprint"]},
        "announcement": _announcement(row),
        "updated_at": instant(row["updated_at"]),
        "links": {"self": absolute(f"/api/{PATH}")},
    }


def _announcement(row: dict[str, Any]) -> dict[str, Any] | None:
    if not row["announcement_text"]:
        return None
    return {
        "text": row["announcement_text"],
        "url": row["announcement_url"] or None,
        "starts_at": instant(row["announcement_starts_at"]),
        "ends_at": instant(row["announcement_ends_at"]),
    }


class IdentitySerializer(serializers.Serializer[Any]):
    """Who the studio is."""

    name = serializers.CharField()
    legal_name = serializers.CharField(allow_blank=True)
    tagline = serializers.CharField(allow_blank=True)
    logo = ImageSerializer(allow_null=True)
    icon = ImageSerializer(allow_null=True)


class ContactSerializer(serializers.Serializer[Any]):
    """How to reach it."""

    email = serializers.EmailField(allow_null=True)
    phone = serializers.CharField(allow_null=True)
    address = serializers.CharField(allow_null=True)
    map_url = serializers.CharField(allow_null=True)


class HoursSerializer(serializers.Serializer[Any]):
    """Opening hours of a day; Monday is 1."""

    weekday = serializers.IntegerField(min_value=1, max_value=7)
    opens = serializers.CharField()
    closes = serializers.CharField()


class NetworkSerializer(serializers.Serializer[Any]):
    """A profile elsewhere."""

    network = serializers.CharField()
    url = serializers.CharField()


class LinkSerializer(serializers.Serializer[Any]):
    """A link of a menu."""

    label = serializers.CharField()  # type: ignore[assignment]  # DRF keeps declared fields apart from its own `label`
    url = serializers.CharField()


class NavigationSerializer(serializers.Serializer[Any]):
    """The two menus."""

    header = LinkSerializer(many=True)
    footer = LinkSerializer(many=True)


class SiteSeoSerializer(serializers.Serializer[Any]):
    """What search engines show when a page says nothing of its own."""

    title_template = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    image = ImageSerializer(allow_null=True)


class AnalyticsSerializer(serializers.Serializer[Any]):
    """What a front end may count."""

    cookieless = serializers.BooleanField()
    do_not_track = serializers.BooleanField()


class LegalSerializer(serializers.Serializer[Any]):
    """Where the legal texts stand."""

    privacy_url = serializers.CharField()
    terms_url = serializers.CharField()
    imprint = serializers.CharField(allow_blank=True)


class AnnouncementSerializer(serializers.Serializer[Any]):
    """A line above every page."""

    text = serializers.CharField()
    url = serializers.CharField(allow_null=True)
    starts_at = InstantField(allow_null=True)
    ends_at = InstantField(allow_null=True)


class SettingsSerializer(serializers.Serializer[Any]):
    """The site settings."""

    identity = IdentitySerializer()
    contact = ContactSerializer()
    opening_hours = HoursSerializer(many=True)
    social = NetworkSerializer(many=True)
    navigation = NavigationSerializer()
    seo = SiteSeoSerializer()
    analytics = AnalyticsSerializer()
    legal = LegalSerializer()
    announcement = AnnouncementSerializer(allow_null=True)
    updated_at = InstantField(allow_null=True)
    links = SelfLinkSerializer()


_group = functools.partial(group, whole=False)  # members that a body leaves out stay as they are
SETTINGS = register_singleton(
    Singleton(
        name="settings",
        model=SiteSettings,
        operation="Settings",
        path=PATH,
        tag="settings",
        read=read,
        schema=SettingsSerializer,
        first=lambda: {"name": settings.STUDIO_NAME},
        output=Output(
            "settings",
            SettingsSerializer(),
            _shape,
            _COLUMNS,
            _PICTURES,
            drafted={f"_{name}": asset(name) for name in _PICTURE_COLUMNS},
        ),
        writable=(
            _group("identity", name="name", legal_name="legal_name", tagline="tagline", logo="logo", icon="icon"),
            _group("contact", email="email", phone="phone", address="address", map_url="map_url"),
            *own("opening_hours", "social"),
            _group("navigation", header="navigation_header", footer="navigation_footer"),
            _group("seo", title_template="seo_title_template", description="seo_description", image="seo_image"),
            _group("analytics", cookieless="analytics_cookieless", do_not_track="analytics_do_not_track"),
            _group("legal", privacy_url="privacy_url", terms_url="terms_url", imprint="imprint"),
            _group(
                "announcement",
                text="announcement_text",
                url="announcement_url",
                starts_at="announcement_starts_at",
                ends_at="announcement_ends_at",
            ),
        ),
    )
)
