"""Audit events of this app."""

from common import events

RESENT = "mail.resent"
HELD = "mail.held"
LET_GO = "mail.let_go"
DROPPED = "mail.dropped"
ADDRESS_CLEARED = "mail.address_cleared"

events.register(
    "mail",
    {
        RESENT: "A message was sent again",
        HELD: "Waiting messages were held back",
        LET_GO: "A held message was let go",
        DROPPED: "A message was dropped before it was sent",
        ADDRESS_CLEARED: "An address that bounced was cleared",
    },
)
