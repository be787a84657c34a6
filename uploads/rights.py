"""Who may do what with files. Every refusal hides what the actor may not know of."""

from collections.abc import Callable
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from common.actor import Actor, ActorKind
from common.errors import NotFound, PermissionDenied
from uploads import ports
from uploads.constants import RULES
from uploads.models import File

ADD, VIEW, DELETE = "uploads.add_file", "uploads.view_file", "uploads.delete_file"


def owner_of(file: File) -> Actor:
    """Rebuild the actor that had the file signed; the label is not kept."""
    return Actor(kind=ActorKind(file.owner_kind), id=file.owner_id, label="")


def owns(file: File, actor: Actor) -> bool:
    """Whether this actor had the file signed."""
    return (file.owner_kind, file.owner_id) == (actor.kind.value, actor.id)


def staff_has(actor: Actor, permission: str) -> bool:
    """Whether the actor is an active member of staff with the permission, now."""
    if actor.kind is not ActorKind.STAFF:
        return False
    try:
        user = get_user_model().objects.filter(pk=actor.id, is_active=True).first()
    except ValidationError:  # an id that is no UUID
        return False
    return user is not None and user.has_perm(permission)


def require_attach(*, purpose: str, target_id: UUID | None, actor: Actor) -> None:
    """Raise `PermissionDenied`, `NotFound` or the target's own refusal unless the actor may bring such a file."""
    rule = RULES[purpose]
    if actor.kind is ActorKind.CUSTOMER and not rule.customers:
        raise PermissionDenied
    if actor.kind is not ActorKind.CUSTOMER and not rule.customers and not staff_has(actor, ADD):
        raise PermissionDenied
    if rule.target_kind and not _target_allows(rule.target_kind, target_id, actor, lambda kind: kind.may_attach):
        raise NotFound


def may_read(file: File, actor: Actor) -> bool:
    """Whether the actor may see a ready file: its owner, who may read its target, or staff with the permission."""
    if file.target_kind:
        return _target_allows(file.target_kind, file.target_id, actor, lambda kind: kind.may_read)
    return owns(file, actor) or staff_has(actor, VIEW)


def may_delete(file: File, actor: Actor) -> bool:
    """Whether the actor may delete the file: its owner while it may read it, or staff with the permission."""
    return (owns(file, actor) and may_read(file, actor)) or staff_has(actor, DELETE)


def _target_allows(
    kind: str, target_id: UUID | None, actor: Actor, question: Callable[[ports.TargetKind], ports.Right]
) -> bool:
    registered = ports.target_kind(kind)
    return registered is not None and target_id is not None and question(registered)(actor, target_id)
