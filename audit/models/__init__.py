"""The tables of the audit log."""

from audit.models.event import AuditEvent, Outcome, Xid8Field
from audit.models.seal import AuditSeal
from audit.models.signing_key import AuditSigningKey

__all__ = ["AuditEvent", "AuditSeal", "AuditSigningKey", "Outcome", "Xid8Field"]
