"""Refusals and faults of mail."""

from common.errors import Conflict


class CannotResend(Conflict):
    """The message's secret is erased, and its app named no way to make a new one."""

    code = "cannot_resend"
    title = "The message cannot be sent again"
    about = (
        "The message held a secret link that was erased once it was sent. Make a new one where the message came from."
    )


class NotHandedOver(Exception):
    """The message certainly left nobody's hands: trying again cannot send it twice."""


class DeliveryFailed(Exception):
    """An attempt failed and a later one may succeed; the job is tried again."""
