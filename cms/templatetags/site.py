"""What the public pages' templates need beyond Django: the site's settings, the head's texts, images.

Auth, booking and payment pages extend the same frame, so nothing here expects a particular view or context.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from django import template
from django.template.base import Node, NodeList, Parser, Token
from django.template.context import Context
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from common import durations, instants, links, money
from common.clock import db_now
from common.weekdays import Weekday

register = template.Library()

NETWORK_NAMES = {
    "github": "GitHub",
    "linkedin": "LinkedIn",
    "youtube": "YouTube",
    "x": "X",
    "mastodon": "Mastodon",
    "instagram": "Instagram",
}
DEFAULT_SIZES = "100vw"
RATING_MAX = 5


@register.simple_tag
def current_announcement(site: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The announcement while its dates include now; the clock is asked only if there is one."""
    announcement = site.get("announcement")
    if not announcement or not announcement.get("text"):
        return None
    now = instants.instant(db_now())
    starts, ends = announcement.get("starts_at") or "", announcement.get("ends_at") or ""
    over = bool(ends) and ends <= now
    return None if starts > now or over else announcement


@register.simple_tag(takes_context=True)
def canonical_url(context: Context) -> str:
    """`canonical` of the context, else this path on our own origin: never the Host header, never the query."""
    given = context.get("canonical")
    if given:
        return str(given)
    request = context.get("request")
    return links.absolute(request.path if request else "/")


class _Capture(Node):
    """Renders what stands between the tags into a variable, as one line."""

    def __init__(self, name: str, nodelist: NodeList) -> None:
        self.name = name
        self.nodelist = nodelist

    def render(self, context: Context) -> SafeString:
        text = " ".join(self.nodelist.render(context).split())
        context[self.name] = mark_safe(text.replace('"', "&quot;"))  # noqa: S308 - rendered, so escaped already
        return mark_safe("")


@register.tag
def capture(parser: Parser, token: Token) -> Node:
    """`{% capture as name %}…{% endcapture %}`: what a block says, for use in more than one place."""
    _tag, _as, name = token.split_contents()
    nodelist = parser.parse(("endcapture",))
    parser.delete_first_token()
    return _Capture(name, nodelist)


@register.filter
def titled(text: str, site: Mapping[str, Any]) -> SafeString:
    """A page's title inside the site's template; without one, the studio's name and tagline."""
    identity = site["identity"]
    if not text:
        parts = [one for one in (identity["name"], identity.get("tagline")) if one]
        return format_html_join(" · ", "{}", ((one,) for one in parts))
    before, _, after = str(site["seo"].get("title_template") or "%s").partition("%s")
    return format_html("{}{}{}", before, text, after)


@register.simple_tag
def picture(
    image: Mapping[str, Any] | None, *, sizes: str = DEFAULT_SIZES, css: str = "", eager: bool = False
) -> SafeString:
    """An <img> of the API's image object with its variants as srcset; nothing without an image.

    Width and height keep the place free while it loads; `eager` is for the one image that is seen first.
    """
    if not image:
        return mark_safe("")
    variants: Sequence[Mapping[str, Any]] = image.get("variants") or ()
    srcset = ", ".join(f"{variant['url']} {variant['width']}w" for variant in variants)
    attributes = [
        ("src", image["src"]),
        ("alt", image.get("alt") or ""),
        ("width", image.get("width")),
        ("height", image.get("height")),
        ("class", css),
        ("srcset", srcset),
        ("sizes", sizes if srcset else ""),
        ("loading", "eager" if eager else "lazy"),
        ("fetchpriority", "high" if eager else ""),
        ("decoding", "async"),
    ]
    kept = [(name, value) for name, value in attributes if value or name == "alt"]
    return format_html("<img {}>", format_html_join(" ", '{}="{}"', kept))


@register.filter
def is_current(url: str, path: str) -> bool:
    """Whether a navigation link leads to this page or to the section that it stands in."""
    return url == path or (url != "/" and path.startswith(url.rstrip("/") + "/"))


@register.filter
def network_name(network: str) -> str:
    """A social network's name as it writes itself."""
    return NETWORK_NAMES.get(network, network.replace("_", " ").title())


@register.filter
def price(value: Mapping[str, Any] | None) -> str:
    """`{amount, currency}` in words; whole units lose their zeros: "KES 85,000"."""
    if not value:
        return ""
    return money.format_money(value["amount"], value["currency"]).removesuffix(".00")


@register.simple_tag
def social_image(*candidates: Mapping[str, Any] | None) -> SafeString:
    """The picture that is shown when a link is shared: the first one that there is."""
    image = next((one for one in candidates if one), None)
    if image is None:
        return mark_safe("")
    markup = '<meta property="og:image" content="{}">\n  <meta name="twitter:card" content="summary_large_image">'
    return format_html(markup, image["src"])


@register.filter
def icon_template(name: str) -> str:
    """The template of an icon of the fixed set."""
    return f"pages/icons/{name}.svg"


@register.filter
def instant(value: datetime | str | None) -> datetime | None:
    """An instant of the API (RFC 3339) as a datetime that `date` can format."""
    if isinstance(value, str):
        return datetime.fromisoformat(value) if value else None
    return value


@register.filter
def day(value: date | str | None) -> date | None:
    """A day of the API as a date that `date` can format."""
    if isinstance(value, str):
        return date.fromisoformat(value) if value else None
    return value


@register.filter
def stars(rating: int) -> str:
    """A rating as filled and empty stars."""
    return "★" * rating + "☆" * (RATING_MAX - rating)


@register.filter
def weekday(number: int) -> str:
    """The name of a day by ISO 8601: 1 is Monday."""
    return str(Weekday(number).label)


@register.filter
def duration(minutes: int) -> str:
    """Minutes as people say them."""
    return durations.in_words(minutes)


@register.filter
def host(url: str) -> str:
    """The host of an address, for people."""
    return urlsplit(url).netloc.removeprefix("www.")


@register.filter
def dialled(number: str) -> str:
    """A telephone number without what people put between its digits."""
    return "".join(character for character in number if character.isdigit() or character == "+")
