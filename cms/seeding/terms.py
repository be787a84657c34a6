"""The technologies that services and projects of the demo studio share."""

from cms.models import Technology
from cms.seeding import planting
from common.actor import Actor

TECHNOLOGIES = {
    "aws": "AWS",
    "django": "Django",
    "figma": "Figma",
    "flutter": "Flutter",
    "kotlin": "Kotlin",
    "mpesa": "M-Pesa",
    "postgresql": "PostgreSQL",
    "python": "Python",
    "redis": "Redis",
    "stripe": "Stripe",
    "terraform": "Terraform",
    "typescript": "TypeScript",
    "ussd": "USSD",
}


def technologies(*, by: Actor) -> dict[str, Technology]:
    """All of them by slug, made where they are missing."""
    return {slug: planting.term(Technology, {"slug": slug, "name": name}, by=by) for slug, name in TECHNOLOGIES.items()}
