"""Seals: every few minutes one signed statement says which rows the log holds."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import NumericRange

from audit.actions import keys
from audit.constants import MARK_BYTES, SILENT_SEAL_HOURS
from audit.models import AuditSeal
from audit.models.seal import FIRST_PREV
from common.actor import Actor
from common.clock import adjusted

logger = logging.getLogger(__name__)

SNAPSHOT = """
SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint, clock_timestamp()
FROM (SELECT pg_current_snapshot() AS s) AS now
"""
# A row that is not above the last seal's ids may be a late one, or one that another cluster's numbers point at: only
# then is it looked up among all seals.
ROWS = f"""
WITH open AS (
    SELECT id, row_hash FROM audit_event WHERE {{transactions}} AND (id > %(last_id)s OR NOT id <@ (
        SELECT range_agg(sealed) FROM audit_seal, unnest(ranges) AS sealed)))
SELECT count(*), coalesce(max(id), 0), sha256(coalesce(string_agg(row_hash, ''::bytea ORDER BY id), ''::bytea)),
    coalesce(string_agg(substr(row_hash, 1, {MARK_BYTES}), ''::bytea ORDER BY id), ''::bytea),
    ARRAY(SELECT one FROM (SELECT unnest(range_agg(int8range(id, id + 1))) AS one FROM open) AS ranges ORDER BY one)
FROM open
"""  # noqa: S608 - of constants
SINCE_LAST = "xid >= %(start)s::text::xid8 AND xid < %(horizon)s::text::xid8"
AFTER_RESTORE = "(xid < %(horizon)s::text::xid8 OR xid >= %(ceiling)s::text::xid8)"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Below `horizon` every transaction has ended, from `ceiling` on none has begun."""

    horizon: int
    ceiling: int
    at: datetime


def seal(*, by: Actor) -> AuditSeal | None:
    """Seal the rows whose transactions have ended; None when there is nothing to seal, or another was first.

    Without rows there is one seal a day. Ids do not commit in order: a transaction that is still open keeps all rows
    that began after it for a later seal.
    """
    signer = keys.ensure(by=by)
    try:
        with transaction.atomic():
            made = _next()
            if made is None:
                return None
            made.key_id = signer.key_id
            made.signature = signer.sign(made.statement)
            made.save(force_insert=True)
    except IntegrityError:
        logger.info("audit_seal_taken")
        return None
    _say(made)
    return made


def _next() -> AuditSeal | None:
    """The seal that is due, unsigned."""
    now = _snapshot()
    last = AuditSeal.objects.order_by("-n").first()
    restored = last is not None and now.ceiling < last.ceiling  # another cluster counts anew
    if last is not None and not restored and now.horizon < last.horizon:
        return None  # a second sealer was faster
    count, last_id, digest, marks, ranges = _open_rows(now, last, restored=restored)
    if not count and last is not None and now.at - last.at < timedelta(hours=SILENT_SEAL_HOURS):
        return None
    return AuditSeal(
        n=last.n + 1 if last else 1,
        at=now.at,
        ranges=[NumericRange(one.lower, one.upper) for one in ranges],
        count=count,
        last_id=max(last_id, last.last_id if last else 0),
        era=(last.era if last else 1) + restored,
        horizon=now.horizon,
        ceiling=now.ceiling,
        digest=digest,
        marks=marks,
        prev_seal_hash=last.seal_hash if last else FIRST_PREV,
    )


def _snapshot() -> Snapshot:
    with connection.cursor() as cursor:
        cursor.execute(SNAPSHOT)
        horizon, ceiling, at = cursor.fetchone()
    return Snapshot(horizon, ceiling, adjusted(at))


def _open_rows(now: Snapshot, last: AuditSeal | None, *, restored: bool) -> tuple[int, int, bytes, bytes, list[Any]]:
    values = {
        "start": last.horizon if last else 0,
        "horizon": now.horizon,
        "ceiling": now.ceiling,
        "last_id": last.last_id if last else 0,
    }
    with connection.cursor() as cursor:
        cursor.execute(ROWS.format(transactions=AFTER_RESTORE if restored else SINCE_LAST), values)
        count, last_id, digest, marks, ranges = cursor.fetchone()
    return count, last_id, bytes(digest), bytes(marks), ranges


def _say(made: AuditSeal) -> None:
    """Write the seal into the log, which leaves this machine: a copy that the database's owner cannot rewrite."""
    statement = {f"seal_{name}": value for name, value in made.as_dict().items() if name != "ranges"}
    found = {"seal_hash": made.seal_hash.hex(), "seal_signature": bytes(made.signature).hex()}
    logger.info("audit_seal", extra=statement | found)
