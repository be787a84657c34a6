"""Files that staff bring to a project, before any of them becomes a picture of the library."""

from typing import Any
from uuid import UUID

from accounts import selectors as accounts
from cms import rights
from cms.types.project.models import Project
from common.actor import Actor, ActorKind
from common.errors import PermissionDenied
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
        model="cms.Project",
    )


def may_attach(actor: Actor, project_id: UUID) -> bool:
    """Whether staff, who have the permission already, may see such a project.

    Raises PermissionDenied for a draft that is another's to write, and InvalidState for a project in the trash.
    """
    user = _user(actor)
    project = rights.readable(user, Project).filter(pk=project_id).first() if user else None
    if project is None:
        return False
    if not rights.may_write(user, project):
        raise PermissionDenied
    if project.deleted_at is not None:
        raise InvalidState("The project is in the trash.")
    return True


def may_read(actor: Actor, project_id: UUID) -> bool:
    """Whether staff, who have the permission already, may see such a project, in the trash or not."""
    user = _user(actor)
    return user is not None and rights.readable(user, Project).filter(pk=project_id).exists()


def _user(actor: Actor) -> Any:
    return accounts.user_by_id(actor.id) if actor.kind is ActorKind.STAFF else None
