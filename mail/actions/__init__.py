"""Writes of the outbox."""

from mail.actions.holding import drop, hold_waiting, let_go
from mail.actions.marking import clear
from mail.actions.outbox import Attachment, send
from mail.actions.rekeying import rekey
from mail.actions.resending import resend

__all__ = ["Attachment", "clear", "drop", "hold_waiting", "let_go", "rekey", "resend", "send"]
