"""Changing colleagues: roles, open or closed, and the first Owner of local mode."""

import uuid
from collections.abc import Iterable
from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

import audit.actions
import mail.actions
from accounts import addresses, locks, selectors
from accounts.actions import authority, open_challenges, passwords, sessions
from accounts.constants import ENROLLMENT_WINDOW_HOURS, ROLE_OWNER
from accounts.errors import CannotCloseSelf, LastOwner, UserExists
from accounts.models import Session, User
from common.actor import Actor
from common.clock import db_now
from common.retries import once_more
from common.target import Target

EMAIL_CHANGED_MAIL = "accounts/email_changed"


@once_more
def set_roles(*, user: User, roles: Iterable[str], by: Actor) -> User:
    """Give a colleague exactly these roles.

    Raises ValidationFailed, RoleEscalation when one that is given or taken is beyond the actor, LastOwner.
    """
    wanted = authority.check_roles(roles=roles)
    with transaction.atomic():
        present = locks.user(user.pk)
        before = selectors.roles_of(present)
        changed = set(before).symmetric_difference(wanted)
        if not changed:
            return present
        authority.demand(roles=changed, by=by)
        if ROLE_OWNER in changed and ROLE_OWNER not in wanted:
            _keep_an_owner(present)
        present.groups.set(Group.objects.filter(name__in=wanted))
        audit.actions.record(
            action="user.roles_changed",
            by=by,
            target=Target.of(present),
            before={"roles": before},
            after={"roles": sorted(wanted)},
        )
    return present


@once_more
def set_active(*, user: User, active: bool, by: Actor) -> User:
    """Close or open an account; closing ends its sessions at once.

    Raises RoleEscalation unless the actor holds all that the colleague does, CannotCloseSelf, LastOwner.
    """
    with transaction.atomic():
        present = locks.user(user.pk)
        if present.is_active == active:
            return present
        authority.demand(roles=selectors.roles_of(present), by=by)
        if not active:
            _check_closing(present, by)
            sessions.end_all(user=present, reason=Session.RevokeReason.USER_DISABLED, now=db_now())
        present.is_active = active
        present.save(update_fields=["is_active"])
        audit.actions.record(
            action="user.activated" if active else "user.deactivated", by=by, target=Target.of(present)
        )
    return present


@once_more
def change_email(*, user: User, email: str, by: Actor) -> User:
    """Give a colleague another address to sign in with; the old and the new one are told.

    Ends the colleague's sessions (but the actor's own), open challenges and reset links, which went to the old address.
    Raises ValidationFailed, UserExists, RoleEscalation unless the actor holds all that the colleague does.
    """
    address = addresses.canonical(email)
    try:
        with transaction.atomic():
            return _replace_email(user, address, by)
    except IntegrityError as fault:
        raise UserExists from fault


def _replace_email(user: User, address: str, by: Actor) -> User:
    locks.open_password_resets(user.pk)
    locks.open_challenges(user.pk)
    present = locks.user(user.pk)
    before = present.email
    if before == address:
        return present
    authority.demand(roles=selectors.roles_of(present), by=by)
    if selectors.user_by_email(address) is not None:
        raise UserExists
    now = db_now()
    present.email = address
    present.save(update_fields=["email"])
    own_session = uuid.UUID(by.session_id) if by.session_id and by.id == str(present.pk) else None
    sessions.end_all(user=present, reason=Session.RevokeReason.EMAIL, now=now, keep=own_session)
    open_challenges.supersede_locked(user=present, now=now)
    audit.actions.record(
        action="user.email_changed",
        by=by,
        target=Target.of(present),
        before={"email": before},
        after={"email": address},
    )
    for one in (before, address):
        mail.actions.send(
            template=EMAIL_CHANGED_MAIL,
            to=one,
            context={"name": present.get_short_name(), "before": before, "after": address},
            key=f"{EMAIL_CHANGED_MAIL}:{present.pk}:{now.isoformat()}:{one}",
            by=by,
        )
    return present


def create_owner(*, email: str, password: str, by: Actor) -> User:
    """Make an Owner without an invitation, for local mode; raises ValidationFailed. The address must be free."""
    address = addresses.canonical(email)
    encoded = make_password(passwords.check_input(password=password))
    with transaction.atomic():
        now = db_now()
        user = User.objects.create(
            email=address,
            password=encoded,
            created_at=now,
            enrollment_open_until=now + timedelta(hours=ENROLLMENT_WINDOW_HOURS),
        )
        user.groups.set(Group.objects.filter(name=ROLE_OWNER))
        audit.actions.record(action="user.created", by=by, target=Target.of(user), after={"roles": [ROLE_OWNER]})
    return user


def _check_closing(user: User, by: Actor) -> None:
    if str(user.pk) == by.id:
        raise CannotCloseSelf
    if ROLE_OWNER in selectors.roles_of(user):
        _keep_an_owner(user)


def _keep_an_owner(user: User) -> None:
    """Raise LastOwner unless another open Owner stays. All Owners are locked: two may not go at once."""
    owners = User.objects.select_for_update(no_key=True).filter(is_active=True, groups__name=ROLE_OWNER).order_by("pk")
    if not [owner for owner in owners if owner.pk != user.pk]:
        raise LastOwner
