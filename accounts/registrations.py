"""What this app tells the apps below it."""

from uuid import UUID

from accounts import errors, selectors
from accounts.actions import invites
from common.actor import Actor
from common.api import schema
from mail import ports
from mail.ports import SentMail

CREDENTIAL_ERRORS = (
    errors.TokenInvalid,
    errors.TokenExpired,
    errors.SessionRevoked,
    errors.UserInactive,
    errors.TwoFactorRequired,
)


def register() -> None:
    """Fill the registries; harmless when repeated."""
    ports.register_owners(selectors.owner_emails)
    ports.register_resend(invites.MAIL_TEMPLATE, _resend_invitation)
    ports.register_repeatable("accounts/session_reused")
    schema.CREDENTIAL_ERRORS[:] = [*dict.fromkeys([*schema.CREDENTIAL_ERRORS, *CREDENTIAL_ERRORS])]


def _resend_invitation(*, mail: SentMail, by: Actor) -> None:
    """*Send again* on an invitation's mail: a new link, since the old one is stored nowhere."""
    invites.resend(invite_id=UUID(str(mail.context["invite_id"])), by=by)
