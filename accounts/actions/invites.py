"""Inviting colleagues: create, send again, withdraw. Accepting is in `acceptance`."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

import audit.actions
import mail.actions
from accounts import addresses, locks, selectors
from accounts.actions import authority
from accounts.constants import INVITE_LIFETIME_HOURS, INVITES_A_DAY, PREFIX_INVITE, ROLE_OWNER
from accounts.errors import InviteAlreadyAccepted, InviteNotPending, InvitePending, UserExists
from accounts.models import Invite
from common import limits, links, tokens
from common.actor import Actor, ActorKind
from common.clock import db_now
from common.errors import NotFound, RateLimited
from common.retries import once_more
from common.target import Target

MAIL_TEMPLATE = "accounts/invitation"
_DAY = timedelta(days=1)


def create(
    *,
    email: str,
    roles: Sequence[str],
    by: Actor,
    first_name: str = "",
    last_name: str = "",
    lifetime_hours: int = INVITE_LIFETIME_HOURS,
) -> Invite:
    """Invite an address and mail its link. The caller has checked `accounts.invite_staff`.

    Raises ValidationFailed, RoleEscalation, RateLimited, UserExists, InvitePending (with `invite_id`).
    """
    draft = Invite(
        email=addresses.canonical(email),
        roles=authority.check_roles(roles=roles),
        first_name=first_name,
        last_name=last_name,
        lifetime_hours=lifetime_hours,
        invited_by=selectors.user_by_id(by.id) if by.kind == ActorKind.STAFF else None,
    )
    authority.demand(roles=draft.roles, by=by)
    limits.hit("CREATE_INVITE_INVITER", key=by.id)
    now = db_now()
    _check_day(now)
    raw = tokens.issue(PREFIX_INVITE)
    try:
        _store(draft, raw, now, by)
    except IntegrityError as fault:
        raise _pending(draft.email) from fault
    return draft


def invite_owner(*, email: str, by: Actor) -> str:
    """Invite an Owner from the shell, without a mail; returns the link, which is shown this once.

    A pending invitation gets a new link and becomes an Owner's. Raises ValidationFailed, UserExists.
    """
    address = addresses.canonical(email)
    raw = tokens.issue(PREFIX_INVITE)
    with transaction.atomic():
        now = db_now()
        waiting = Invite.objects.select_for_update().filter(email=address, status=Invite.Status.PENDING).first()
        if waiting is None or waiting.expires_at <= now:
            _insert(Invite(email=address, roles=[ROLE_OWNER], lifetime_hours=INVITE_LIFETIME_HOURS), raw, now, by)
        else:
            waiting.roles, waiting.invited_by = [ROLE_OWNER], None
            _renew(waiting, raw, now)
            audit.actions.record(
                action="invite.resent", by=by, target=Target.of(waiting), after={"roles": waiting.roles}
            )
    return links.page_url("accept", token=raw)


def resend(*, invite_id: uuid.UUID, by: Actor) -> Invite:
    """Mail a new link, for as long as at first; the old link is dead. Also for an expired invitation.

    Raises NotFound, InviteNotPending, RoleEscalation, UserExists, InvitePending, RateLimited.
    """
    found = Invite.objects.filter(pk=invite_id).first()
    if found is None:
        raise NotFound
    authority.demand(roles=found.roles, by=by)
    for name in ("RESEND_INVITE_INVITE", "RESEND_INVITE_INVITE_LONG"):
        limits.hit(name, key=str(invite_id))
    raw = tokens.issue(PREFIX_INVITE)
    try:
        return _store_again(invite_id, raw, by)
    except IntegrityError as fault:
        raise _pending(found.email) from fault


@once_more
def revoke(*, invite_id: uuid.UUID, by: Actor) -> Invite:
    """Withdraw an invitation; again, or after its end, nothing happens.

    Raises NotFound, InviteAlreadyAccepted, RateLimited.
    """
    limits.hit("REVOKE_INVITE_USER", key=by.id)
    with transaction.atomic():
        try:
            invite = locks.invite(invite_id)
        except Invite.DoesNotExist as fault:
            raise NotFound from fault
        if invite.status == Invite.Status.ACCEPTED:
            raise InviteAlreadyAccepted
        if invite.status == Invite.Status.REVOKED:
            return invite
        invite.status, invite.revoked_at = Invite.Status.REVOKED, db_now()
        invite.save(update_fields=["status", "revoked_at"])
        audit.actions.record(action="invite.revoked", by=by, target=Target.of(invite))
    return invite


@once_more
@transaction.atomic
def _store(draft: Invite, raw: str, now: datetime, by: Actor) -> None:
    _insert(draft, raw, now, by)
    _send(draft, raw, by)


@once_more
@transaction.atomic
def _store_again(invite_id: uuid.UUID, raw: str, by: Actor) -> Invite:
    invite = locks.invite(invite_id)
    if invite.status not in {Invite.Status.PENDING, Invite.Status.EXPIRED}:
        raise InviteNotPending
    _refuse_existing_user(invite.email)
    _renew(invite, raw, db_now())
    audit.actions.record(action="invite.resent", by=by, target=Target.of(invite))
    _send(invite, raw, by)
    return invite


def _insert(invite: Invite, raw: str, now: datetime, by: Actor) -> None:
    """Store a new invitation; an overdue one of the same address makes room for it."""
    _refuse_existing_user(invite.email)
    overdue = Invite.objects.filter(email=invite.email, status=Invite.Status.PENDING, expires_at__lte=now)
    overdue.update(status=Invite.Status.EXPIRED)
    invite.created_at = now
    _renew(invite, raw, now)
    audit.actions.record(action="invite.created", by=by, target=Target.of(invite), after={"roles": invite.roles})


def _renew(invite: Invite, raw: str, now: datetime) -> None:
    """Give the invitation a new token and its whole time."""
    digest = tokens.digest("invite", raw)
    invite.status = Invite.Status.PENDING
    invite.token_hash, invite.pepper_id = digest.hash, digest.pepper_id
    invite.sent_at, invite.expires_at = now, now + timedelta(hours=invite.lifetime_hours)
    invite.save()


def _send(invite: Invite, raw: str, by: Actor) -> None:
    inviter = invite.invited_by
    mail.actions.send(
        template=MAIL_TEMPLATE,
        to=invite.email,
        context={
            "invite_id": str(invite.pk),
            "name": invite.first_name,
            "inviter": str(inviter) if inviter else settings.STUDIO_NAME,
            "roles": invite.roles,
            "studio": settings.STUDIO_NAME,
            "hours": invite.lifetime_hours,
        },
        secrets={"link": links.page_url("accept", token=raw)},
        key=f"{MAIL_TEMPLATE}:{invite.pk}:{invite.sent_at.isoformat()}",
        by=by,
    )


def _check_day(now: datetime) -> None:
    """The cap on all invitations of a day, counted from the rows themselves."""
    recent = Invite.objects.filter(created_at__gt=now - _DAY).order_by("-created_at")
    oldest = next(iter(recent.values_list("created_at", flat=True)[INVITES_A_DAY - 1 : INVITES_A_DAY]), None)
    if oldest is not None:
        raise RateLimited(retry_after=(oldest + _DAY - now).total_seconds())


def _refuse_existing_user(address: str) -> None:
    if selectors.user_by_email(address) is not None:
        raise UserExists


def _pending(address: str) -> InvitePending:
    """What the partial unique index meant."""
    waiting = Invite.objects.filter(email=address, status=Invite.Status.PENDING).first()
    return InvitePending(members={"invite_id": str(waiting.pk)} if waiting else None)
