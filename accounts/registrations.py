"""What this app tells the apps below it."""

from uuid import UUID

from accounts import errors, selectors
from accounts.actions import invites, password_resets, passwords
from common.actor import Actor
from common.api import schema
from common.errors import NotFound
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
    ports.register_resend(password_resets.MAIL_TEMPLATE, _resend_reset)
    ports.register_repeatable("accounts/session_reused")
    ports.register_repeatable(passwords.CHANGED_MAIL)
    schema.CREDENTIAL_ERRORS[:] = [*dict.fromkeys([*schema.CREDENTIAL_ERRORS, *CREDENTIAL_ERRORS])]


def _resend_invitation(*, mail: SentMail, by: Actor) -> None:
    """*Send again* on an invitation's mail: a new link, since the old one is stored nowhere."""
    invites.resend(invite_id=UUID(str(mail.context["invite_id"])), by=by)


def _resend_reset(*, mail: SentMail, by: Actor) -> None:
    """*Send again* on the mail of a reset: another link, counted like one that its owner asks for."""
    if password_resets.issue(email=mail.to, by=by) is None:
        raise NotFound("The account is closed, or got three links in the last hour.")
