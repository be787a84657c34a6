"""Words and sizes of the audit log."""

from typing import Final

SCHEMA_VERSION: Final = 1  # of the row's shape; raised when a column joins the hash
LABEL_LENGTH: Final = 200
USER_AGENT_LENGTH: Final = 300

GUARDED_TABLES: Final = ("audit_event", "audit_seal", "audit_signing_key")

MAY_VIEW: Final = "audit.view"
MAY_VERIFY: Final = "audit.verify"
MAY_EXPORT: Final = "audit.export"

HASH_BYTES: Final = 32  # SHA-256
MARK_BYTES: Final = 4  # of each row's hash, kept in its seal
KEY_ID_LENGTH: Final = 16  # hex digits

SEAL_MINUTES: Final = 5
SILENT_SEAL_HOURS: Final = 24  # a seal without rows, so that silence is seen
CLOCK_SLACK_SECONDS: Final = 60  # what a clock may step back, and an insert may dawdle
SEALING_LATE_MINUTES: Final = 30

SAMPLE_NEWEST_SEALS: Final = 50
SAMPLE_OLDER_SEALS: Final = 50
SEALS_AT_ONCE: Final = 200
MOST_FAULTS: Final = 20

VERIFIED_AT_ONCE_ROWS: Final = 100_000  # under two seconds; of a longer log the admin verifies a sample

WINDOW_DAYS: Final = 31  # of a query by time
READ_NOTED_MINUTES: Final = 60  # turning the pages of one query is one reading
EXPORT_ROWS_AT_ONCE: Final = 2_000

RETENTION_ROWS_AT_ONCE: Final = 5_000
