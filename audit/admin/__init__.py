"""The audit log in the admin."""

from audit.admin.event import AuditEventAdmin

__all__ = ["AuditEventAdmin"]
