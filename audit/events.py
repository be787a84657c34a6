"""The audit events of the log itself."""

from common import events

READ = "audit.read"
EXPORTED = "audit.exported"
VERIFIED = "audit.verified"
FAULT_FOUND = "audit.fault_found"
ERASED = "audit.erased"
EMPTIED = "audit.emptied"
GUARDED = "audit.guarded"
UNAUDITED = "system.unaudited_change"  # written by PostgreSQL's function audit_net

events.register(
    "audit",
    {
        READ: "The audit log was read",
        EXPORTED: "The audit log was exported",
        VERIFIED: "The audit log was verified",
        FAULT_FOUND: "The audit log was verified and found changed",
        ERASED: "A person's names were erased from the audit log",
        EMPTIED: "Names of old events were erased from the audit log",
        GUARDED: "The guards of the audit log and of watched tables were put up",
        "audit.rekeyed": "The keys of the audit log were encrypted again",
        "audit.key_kept": "A key that signs seals was put down",
        UNAUDITED: "Data was changed without an audit event",
    },
)
