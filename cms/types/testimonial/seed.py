"""What the demo studio's clients say."""

from django.db import transaction

from cms.actions import drafts, publishing
from cms.models import Project, Testimonial
from cms.seeding import planting
from common.actor import Actor
from common.clock import db_now

PLAIN = ("slug", "person", "role", "company", "quote")


def plant(*, by: Actor) -> None:
    """Publish the testimonials that no one has seen yet, each also with its project."""
    rows = planting.read(__file__)["testimonial"]
    projects = {project.slug: project for project in Project.objects.live()}
    positions = {row["slug"]: position for position, row in enumerate(rows, start=1)}
    for row, pictures in planting.drawn(planting.unknown(Testimonial, rows), _pictures):
        [avatar] = [planting.store(*picture, by=by) for picture in pictures]
        project = projects.get(row["project"])
        values = {name: row[name] for name in PLAIN} | {
            "rating": row.get("rating"),
            "avatar": avatar,
            "project": project,
            "consent_at": db_now(),
            "position": positions[row["slug"]],
        }
        testimonial = planting.publish(Testimonial, values, by=by)
        if project is not None:
            _show_with(project, testimonial, by=by)


def _pictures(row: planting.Row) -> list[planting.Picture]:
    return [planting.portrait(f"client-{row['slug']}", row, person=row["person"])]


@transaction.atomic
def _show_with(project: Project, testimonial: object, *, by: Actor) -> None:
    drafts.save(item=project, values={"testimonial": testimonial}, by=by, comment=planting.COMMENT)
    publishing.publish(item=project, by=by, comment=planting.COMMENT)
