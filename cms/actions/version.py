"""The content version: every public cache and ETag hangs on it."""

from django.db import connection

from common.actor import Actor

_BUMP = """
    INSERT INTO cms_contentversion AS row (id, number, changed_at, changed_by)
    VALUES (1, 2, clock_timestamp(), %(by)s)
    ON CONFLICT (id) DO UPDATE
    SET number = row.number + 1, changed_at = clock_timestamp(), changed_by = excluded.changed_by
    RETURNING number
"""


def bump(*, by: Actor) -> int:
    """Raise the version in the caller's transaction, and return the new one.

    Call it last: the row stays locked until the commit, so versions become visible in their order. Every action
    whose effect readers can see calls it, also those of other apps (a booking offer, a picture's words).
    """
    with connection.cursor() as cursor:
        cursor.execute(_BUMP, {"by": by.label[:254]})
        number: int = cursor.fetchone()[0]
    return number
