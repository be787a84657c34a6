"""Files that staff bring to a project, before any of them becomes a picture of the library."""

from uuid import UUID

from cms.types.project.models import Project
from common.actor import Actor, ActorKind
from uploads import ports
from uploads.errors import InvalidState


def register() -> None:
    """Make projects a thing that files can belong to."""
    ports.register_target(
        "project",
        attach="cms.change_project",
        read="cms.view_project",
        may_attach=may_attach,
        may_read=may_read,
    )


def may_attach(actor: Actor, project_id: UUID) -> bool:
    """Whether staff, who have the permission already, find such a project. Raises InvalidState for one in the trash."""
    if actor.kind is not ActorKind.STAFF:
        return False
    project = Project.objects.only("deleted_at").filter(pk=project_id).first()
    if project is not None and project.deleted_at is not None:
        raise InvalidState("The project is in the trash.")
    return project is not None


def may_read(actor: Actor, project_id: UUID) -> bool:
    """Whether staff, who have the permission already, find such a project, in the trash or not."""
    return actor.kind is ActorKind.STAFF and Project.objects.filter(pk=project_id).exists()
