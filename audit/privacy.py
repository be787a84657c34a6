"""Personal fields of this app: the columns that the row's hash leaves out."""

from common import privacy

privacy.mark(
    "audit.AuditEvent",
    actor_label=privacy.ERASE,
    target_label=privacy.ERASE,
    ip=privacy.ERASE,
    user_agent=privacy.ERASE,
)
