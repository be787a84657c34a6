"""Row locks. Order: Invite, User, Session, RefreshToken; never a network call while one is held."""

import uuid

from accounts.models import Invite, Session, User


def invite(pk: uuid.UUID) -> Invite:
    """The invitation, locked and read afresh; raises Invite.DoesNotExist."""
    return Invite.objects.select_for_update(no_key=True).get(pk=pk)


def user(pk: uuid.UUID) -> User:
    """The user, locked and read afresh; raises User.DoesNotExist."""
    return User.objects.select_for_update(no_key=True).get(pk=pk)


def session(pk: uuid.UUID) -> Session:
    """The session with its user, locked and read afresh; raises Session.DoesNotExist. The user's row is not locked."""
    return Session.objects.select_for_update(no_key=True, of=("self",)).select_related("user").get(pk=pk)
