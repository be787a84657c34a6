"""The services of the demo studio."""

from typing import Any

from cms.models import Service, Technology
from cms.seeding import planting
from cms.seeding.terms import technologies
from common.actor import Actor

PLAIN = ("slug", "title", "tagline", "summary", "body", "icon", "price_kind", "features", "faq")
CURRENCY = "KES"


def plant(*, by: Actor) -> None:
    """Publish the services that no one has seen yet."""
    rows = planting.read(__file__)["service"]
    known = technologies(by=by)
    positions = {row["slug"]: position for position, row in enumerate(rows, start=1)}
    fresh = planting.unknown(Service, rows)
    for row, pictures in planting.drawn(fresh, lambda row: [planting.cover(f"service-{row['slug']}", row)]):
        [cover] = [planting.store(*picture, by=by) for picture in pictures]
        values = _values(row, known) | {"cover": cover, "position": positions[row["slug"]]}
        planting.publish(Service, values, by=by)


def _values(row: planting.Row, known: dict[str, Technology]) -> dict[str, Any]:
    least, most = row.get("delivery_weeks", (None, None))
    return {name: row[name] for name in PLAIN} | {
        "featured": row.get("featured", False),
        "price_amount": row.get("price_amount"),
        "price_currency": CURRENCY if "price_amount" in row else "",
        "delivery_weeks_min": least,
        "delivery_weeks_max": most,
        "technologies": [known[slug] for slug in row["technologies"]],
    }
