"""Who may do what with files. Every refusal hides what the actor may not know of.

What staff hold is read before anything is looked up, so that a refusal costs the same whatever there is to hide.
"""

from uuid import UUID

from django.core.exceptions import ValidationError

from accounts import selectors as accounts
from common.actor import Actor, ActorKind
from common.errors import NotFound, PermissionDenied
from uploads import ports
from uploads.constants import RULES
from uploads.models import File

ADD, VIEW, DELETE = "uploads.add_file", "uploads.view_file", "uploads.delete_file"

Held = frozenset[str]


def owner_of(file: File) -> Actor:
    """Rebuild the actor that had the file signed; the label is not kept."""
    return Actor(kind=ActorKind(file.owner_kind), id=file.owner_id, label="")


def owns(file: File, actor: Actor) -> bool:
    """Whether this actor had the file signed."""
    return (file.owner_kind, file.owner_id) == (actor.kind.value, actor.id)


def held_by(actor: Actor) -> Held:
    """Every permission of an active member of staff, as it stands now; nothing for anybody else."""
    if actor.kind is not ActorKind.STAFF:
        return frozenset()
    try:
        user = accounts.user_by_id(actor.id)
    except ValidationError:  # an id that is no UUID
        return frozenset()
    return frozenset(user.get_all_permissions()) if user and user.is_active else frozenset()


def require_attach(*, purpose: str, target_id: UUID | None, actor: Actor) -> None:
    """Raise `PermissionDenied`, `NotFound` or the target's own refusal unless the actor may bring such a file."""
    rule, held = RULES[purpose], held_by(actor)
    if not rule.customers and ADD not in held:
        raise PermissionDenied
    if rule.target_kind:
        _require_target(ports.target_kind(rule.target_kind), target_id, actor, held)


def may_read(file: File, actor: Actor, held: Held) -> bool:
    """Whether the actor may see a ready file: whoever may read its target, else its owner, or staff who may view."""
    if not file.target_kind:
        return owns(file, actor) or VIEW in held
    target = ports.target_kind(file.target_kind)
    return target is not None and file.target_id is not None and _may_read(target, file.target_id, actor, held)


def may_delete(file: File, actor: Actor, held: Held) -> bool:
    """Whether the actor may delete the file: its owner while it may read it, or staff with the permission."""
    return DELETE in held or (owns(file, actor) and may_read(file, actor, held))


def _require_target(target: ports.TargetKind | None, target_id: UUID | None, actor: Actor, held: Held) -> None:
    if target is None or target_id is None:
        raise NotFound
    if actor.kind is ActorKind.STAFF and target.attach not in held:
        raise PermissionDenied if _may_read(target, target_id, actor, held) else NotFound
    if not target.may_attach(actor, target_id):
        raise NotFound


def _may_read(target: ports.TargetKind, target_id: UUID, actor: Actor, held: Held) -> bool:
    if actor.kind is ActorKind.STAFF and target.read not in held:
        return False
    return target.may_read(actor, target_id)
