"""Words and sizes of the audit log."""

SCHEMA_VERSION = 1  # of the row's shape; raised when a column joins the hash
MASK = "••••"
CHANGED_PERSONAL = "[personal]"  # stands in before/after for the value of a personal field
LABEL_LENGTH = 200
USER_AGENT_LENGTH = 300
