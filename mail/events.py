"""Audit events of this app."""

from common import events

RESENT = "mail.resent"

events.register("mail", {RESENT: "A message was sent again"})
