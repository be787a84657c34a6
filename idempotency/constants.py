"""Durations and sizes of stored answers."""

KEEP_SECONDS = 24 * 3600
RUNNING_SECONDS = 60  # a request that is silent for longer has died, and its key may be used again
KEY_LENGTH = 255
FORGOTTEN_STATUSES = frozenset({400, 401, 403, 429})  # and every 5xx: the caller may try again with the same key
