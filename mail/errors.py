"""Refusals and faults of mail."""

from common.errors import BadRequest, Conflict, Unavailable


class CannotResend(Conflict):
    """The message's secret is erased, and its app named no way to make a new one."""

    code = "cannot_resend"
    title = "The message cannot be sent again"
    about = (
        "The message held a secret link that was erased once it was sent. Make a new one where the message came from."
    )


class NotHeld(Conflict):
    """Only a held message can be let go."""

    code = "mail_not_held"
    title = "The message is not held back"
    about = "Only a message that is held back can be let go. Somebody may have decided already: look at its state."


class NotWaiting(Conflict):
    """Only a message that has not been tried can be dropped."""

    code = "mail_not_waiting"
    title = "The message does not wait"
    about = "Only a message that waits or is held back can be dropped; this one is out, or on its way."


class MailWebhookNotConfigured(Unavailable):
    """Tracking calls cannot be told from forged ones."""

    code = "mail_webhook_not_configured"
    title = "The mail webhook is not configured"
    about = (
        "Reports of a mail provider are taken once MAIL_WEBHOOK_SECRET is set, and the provider's own signing key "
        "where Anymail asks for one."
    )


class InvalidWebhookSecret(BadRequest):
    """A tracking call that its sender did not prove."""

    code = "invalid_webhook_secret"
    title = "The call is not proved"
    about = "The call of the mail webhook carries wrong credentials or a wrong signature, or none."


class UnreadableReport(BadRequest):
    """A proven tracking call whose body is not what the provider sends."""

    code = "unreadable_report"
    title = "The report cannot be read"
    about = "The body is not a tracking report of this mail provider."


class NotHandedOver(Exception):
    """The message certainly left nobody's hands: trying again cannot send it twice."""


class DeliveryFailed(Exception):
    """An attempt failed and a later one may succeed; the job is tried again."""
