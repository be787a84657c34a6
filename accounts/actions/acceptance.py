"""Accepting an invitation: a stranger with a link becomes a user."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

import audit.actions
from accounts import locks, selectors
from accounts.actions import authority, enrollment, guesses, passwords
from accounts.actions.enrollment import EnrollmentNeeded
from accounts.constants import (
    ACCEPT_TRIES_A_TOKEN,
    ACCEPT_TRIES_WINDOW_SECONDS,
    ENROLLMENT_WINDOW_HOURS,
    MAY_INVITE,
    PREFIX_INVITE,
)
from accounts.errors import (
    InviteAuthorityLost,
    InviteExpired,
    InviteInvalid,
    InviteRevoked,
    InviteUsed,
    UserExists,
)
from accounts.models import Invite, User
from common import limits, tokens
from common.actor import Actor
from common.client_ip import caller
from common.clock import db_now
from common.errors import DomainError
from common.retries import once_more
from common.target import Target


@dataclass(frozen=True)
class Accepted:
    """The new user, and the right to enrol a second factor at once."""

    user: User
    enrollment: EnrollmentNeeded


def inspect(*, token: str) -> Invite:
    """The invitation behind a link that can still be accepted.

    Raises InviteInvalid, InviteExpired, InviteRevoked, InviteUsed, RateLimited.
    """
    limits.hit("INSPECT_INVITE_IP", key=caller(), closed=True)
    return usable(token=token)


def usable(*, token: str) -> Invite:
    """As `inspect`, uncounted: for a page that has counted already."""
    invite = selectors.invite_by_token(token) if tokens.well_formed(PREFIX_INVITE, token) else None
    if invite is None:
        raise InviteInvalid
    _check_open(invite, db_now())
    return invite


def accept(*, token: str, password: str, by: Actor, first_name: str = "", last_name: str = "") -> Accepted:
    """Make the invited user with that password and the invitation's roles. Opens no session.

    Names that are empty are the invitation's. Raises what `inspect` raises, ValidationFailed for the password,
    UserExists, InviteAuthorityLost when the inviter may no longer grant the roles.
    """
    limits.hit("ACCEPT_INVITE_IP", key=caller(), closed=True)
    invite = usable(token=token)
    rule = guesses.Rule(
        "accept_invite_token", bytes(invite.token_hash), ACCEPT_TRIES_A_TOKEN, ACCEPT_TRIES_WINDOW_SECONDS
    )
    attempt = guesses.begin(rules=[rule], now=db_now())
    try:
        names = (first_name or invite.first_name, last_name or invite.last_name)
        encoded = _encoded(password, [invite.email, *names])
        accepted = _create_user(invite, names, encoded, by)
    except DomainError as refusal:
        audit.actions.record_refused(
            action="invite.accept_failed", by=by, target=Target.of(invite), reason=refusal.code
        )
        raise
    guesses.succeed(attempt=attempt)
    return accepted


def _encoded(password: str, personal: list[str]) -> str:
    plain = passwords.check_input(password=password)
    passwords.judge(password=plain, personal=personal)
    return make_password(plain)


@once_more
def _create_user(found: Invite, names: tuple[str, str], encoded: str, by: Actor) -> Accepted:
    try:
        with transaction.atomic():
            invite = locks.invite(found.pk)
            now = db_now()
            if bytes(invite.token_hash) != bytes(found.token_hash):
                raise InviteInvalid  # sent again since the first look
            _check_open(invite, now)
            _check_authority(invite)
            user = _insert_user(invite, names, encoded, now)
            invite.status, invite.accepted_at, invite.accepted_by = Invite.Status.ACCEPTED, now, user
            invite.save(update_fields=["status", "accepted_at", "accepted_by"])
            audit.actions.record(action="invite.accepted", by=by, target=Target.of(invite))
            audit.actions.record(action="user.created", by=by, target=Target.of(user), after={"roles": invite.roles})
            return Accepted(user, enrollment.issue(user=user, now=now))
    except IntegrityError as fault:
        raise UserExists from fault


def _insert_user(invite: Invite, names: tuple[str, str], encoded: str, now: datetime) -> User:
    if selectors.user_by_email(invite.email) is not None:
        raise UserExists
    user = User.objects.create(
        email=invite.email,
        first_name=names[0],
        last_name=names[1],
        password=encoded,
        created_at=now,
        enrollment_open_until=now + timedelta(hours=ENROLLMENT_WINDOW_HOURS),
    )
    user.groups.set(Group.objects.filter(name__in=invite.roles))
    return user


def _check_open(invite: Invite, now: datetime) -> None:
    if invite.status == Invite.Status.ACCEPTED:
        raise InviteUsed
    if invite.status == Invite.Status.REVOKED:
        raise InviteRevoked
    if invite.status == Invite.Status.EXPIRED or invite.expires_at <= now:
        raise InviteExpired


def _check_authority(invite: Invite) -> None:
    """An operator's invitation needs no inviter; another dies with the inviter's rights."""
    if invite.invited_by is None:
        return
    inviter = Actor.staff(invite.invited_by)
    if not authority.holds(roles=invite.roles, by=inviter, and_may=MAY_INVITE):
        raise InviteAuthorityLost
