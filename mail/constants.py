"""Names and sizes of the outbox."""

MASK = "••••••••"
DELIVER = "mail.deliver"
DELIVER_ATTEMPTS = 6
ALERT_TEMPLATE = "mail/alert"
SUBJECT_LENGTH = 300
ERROR_LENGTH = 2000
STUCK_SECONDS = 3600  # a message queued for longer means that mail does not flow
ABANDONED_SECONDS = 3600  # far beyond the longest attempt: nobody is still sending
