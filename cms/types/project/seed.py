"""The work of the demo studio."""

from typing import Any

from cms.constants import Disclosure
from cms.models import Project, Service, Technology
from cms.seeding import planting
from cms.seeding.terms import technologies
from common.actor import Actor
from common.clock import db_now

PLAIN = ("slug", "title", "client_name", "disclosure", "summary", "challenge", "approach", "outcome", "metrics", "role")


def plant(*, by: Actor) -> None:
    """Publish the projects that no one has seen yet; services are planted before them."""
    rows = planting.read(__file__)["project"]
    known = technologies(by=by)
    services = {service.slug: service for service in Service.objects.live()}
    positions = {row["slug"]: position for position, row in enumerate(rows, start=1)}
    for row, pictures in planting.drawn(planting.unknown(Project, rows), _pictures):
        assets = [planting.store(*picture, by=by) for picture in pictures]
        captions = [image["caption"] for image in row["gallery"]]
        values = _values(row, services, known) | {
            "gallery": [{"media": asset, "caption": caption} for asset, caption in zip(assets, captions, strict=True)],
            "position": positions[row["slug"]],
        }
        planting.publish(Project, values, by=by)


def _pictures(row: planting.Row) -> list[planting.Picture]:
    names = (f"project-{row['slug']}-{number}" for number, _image in enumerate(row["gallery"], start=1))
    return [planting.cover(name, image) for name, image in zip(names, row["gallery"], strict=False)]


def _values(row: planting.Row, services: dict[str, Service], known: dict[str, Technology]) -> dict[str, Any]:
    return {name: row[name] for name in PLAIN} | {
        "client_consent_at": db_now() if row["disclosure"] == Disclosure.PUBLIC else None,
        "featured": row.get("featured", False),
        "started_on": row["started_on"],
        "ended_on": row["ended_on"],
        "site_url": row.get("site_url", ""),
        "repository_url": row.get("repository_url", ""),
        "services": [services[slug] for slug in row["services"] if slug in services],
        "technologies": [known[slug] for slug in row["technologies"]],
    }
