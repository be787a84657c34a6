"""Who may hand out which role: nobody grants, changes or takes what they do not hold entirely."""

from collections.abc import Iterable

from accounts import selectors
from accounts.constants import ROLES
from accounts.errors import RoleEscalation
from common.actor import Actor, ActorKind
from common.errors import FieldError, ValidationFailed


def check_roles(*, roles: Iterable[str]) -> list[str]:
    """The roles in their order, each once; raises ValidationFailed for none and for an unknown one."""
    wanted = set(roles)
    unknown = sorted(wanted.difference(ROLES))
    if unknown or not wanted:
        detail = f"Choose from {', '.join(ROLES)}."
        raise ValidationFailed(errors=[FieldError(pointer="#/roles", code="invalid_choice", detail=detail)])
    return [role for role in ROLES if role in wanted]


def demand(*, roles: Iterable[str], by: Actor) -> None:
    """Raise RoleEscalation unless the actor may hand out all of these roles."""
    if not holds(roles=roles, by=by):
        raise RoleEscalation


def holds(*, roles: Iterable[str], by: Actor, and_may: str = "") -> bool:
    """Whether the actor holds every permission of the roles, and `and_may`. The operator holds all."""
    if by.kind == ActorKind.OPERATOR:
        return True
    user = selectors.user_by_id(by.id) if by.kind == ActorKind.STAFF else None
    if user is None or not user.is_active:
        return False
    needed = selectors.permissions_of_roles(roles) | ({and_may} if and_may else set())
    return needed <= user.get_all_permissions()
