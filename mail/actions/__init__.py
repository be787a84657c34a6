"""Writes of the outbox."""

from mail.actions.outbox import Attachment, send
from mail.actions.resending import resend

__all__ = ["Attachment", "resend", "send"]
