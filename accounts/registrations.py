"""What this app tells the apps below it."""

from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from accounts import errors, ports, selectors
from accounts.actions import admin_sessions, devices, factor_mails, invites, password_resets, passwords, refresh, users
from accounts.constants import METHOD_BACKUP_CODE, METHOD_TOTP
from common.actor import Actor
from common.admin import step_up
from common.api import schema
from common.errors import NotFound
from mail import ports as mail_ports
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
    mail_ports.register_owners(selectors.owner_emails)
    mail_ports.register_resend(invites.MAIL_TEMPLATE, _resend_invitation)
    mail_ports.register_resend(password_resets.MAIL_TEMPLATE, _resend_reset)
    for template in (refresh.REUSED_MAIL, passwords.CHANGED_MAIL, users.EMAIL_CHANGED_MAIL, *factor_mails.TEMPLATES):
        mail_ports.register_repeatable(template)
    ports.register_verifier(METHOD_TOTP, devices.verify_app_code)
    ports.register_verifier(METHOD_BACKUP_CODE, devices.verify_backup_code)
    step_up.register(step_up.StepUp(_confirmed_lately, _confirmation_page))
    schema.CREDENTIAL_ERRORS[:] = [*dict.fromkeys([*schema.CREDENTIAL_ERRORS, *CREDENTIAL_ERRORS])]


def _resend_invitation(*, mail: SentMail, by: Actor) -> None:
    """*Send again* on an invitation's mail: a new link, since the old one is stored nowhere."""
    invites.resend(invite_id=UUID(str(mail.context["invite_id"])), by=by)


def _resend_reset(*, mail: SentMail, by: Actor) -> None:
    """*Send again* on the mail of a reset: another link, counted like one that its owner asks for."""
    if password_resets.issue(email=mail.to, by=by) is None:
        raise NotFound("The account is closed, or got three links in the last hour.")


def _confirmed_lately(request: HttpRequest) -> bool:
    return admin_sessions.is_recent(request=request)


def _confirmation_page(back: str) -> str:
    page = reverse("accounts:confirm")
    return f"{page}?{urlencode({'next': back})}" if back else page
