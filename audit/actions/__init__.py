"""Writes of the audit log."""

from audit.actions.keys import rekey
from audit.actions.recording import record, record_refused

__all__ = ["record", "record_refused", "rekey"]
