"""The statements of verifying. The row's hash is written out here, so that no function of the database is trusted."""

from audit.constants import CLOCK_SLACK_SECONDS

ROW_HASH = """
pg_catalog.sha256(convert_to(jsonb_build_array(
    e.id, to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), e.action, e.actor_kind, e.actor_id,
    e.on_behalf_of, e.target_type, e.target_id, e.session_id, e.before, e.after, e.meta, e.reason, e.outcome,
    e.request_id, e.job_id, e.schema_version, e.xid::text)::text, 'UTF8'))
"""

# The lowest id of a row that breaks a rule; `p` is the seal before. Numbers of transactions compare in one era only.
BROKEN = f"""
    min(e.id) FILTER (WHERE e.row_hash IS DISTINCT FROM {ROW_HASH}),
    min(e.id) FILTER (WHERE {{same_era}} AND e.xid < p.horizon),
    min(e.id) FILTER (WHERE {{same_era}} AND e.xid >= p.ceiling
        AND e.at < p.at - interval '{CLOCK_SLACK_SECONDS} seconds'),
    min(e.id) FILTER (WHERE {{same_era}} AND e.xid >= p.ceiling AND e.id <= p.last_id
        AND e.at > p.at + interval '{CLOCK_SLACK_SECONDS} seconds')
"""
BROKEN_RULES = (
    "it was changed: its hash does not fit its content.",
    "it was put in later: its transaction had ended before seal {before} was made, which does not hold it.",
    "it was put in later: it claims an instant before seal {before}, but its transaction began after that seal.",
    "it was put in later: its number lies among those that had been given away before seal {before} was made.",
)

SEALED = f"""
SELECT s.n, count(e.id), sha256(coalesce(string_agg(e.row_hash, ''::bytea ORDER BY e.id), ''::bytea)),
{BROKEN.format(same_era="p.era = s.era")}
FROM audit_seal s LEFT JOIN audit_seal p ON p.n = s.n - 1
LEFT JOIN LATERAL unnest(s.ranges) AS r ON true
LEFT JOIN audit_event e ON e.id >= lower(r) AND e.id < upper(r)
WHERE s.n = ANY(%s) GROUP BY s.n ORDER BY s.n
"""  # noqa: S608 - of constants

# Rows that no seal up to the last one holds; the transaction's counter tells whether this is still the last one's era.
UNSEALED = f"""
SELECT count(e.id), min(e.at),
{BROKEN.format(same_era="pg_snapshot_xmax(pg_current_snapshot()) >= p.ceiling")}
FROM audit_event e LEFT JOIN audit_seal p ON p.n = %(last)s
WHERE (%(since)s::timestamptz IS NULL OR e.at >= %(since)s) AND (%(until)s::timestamptz IS NULL OR e.at <= %(until)s)
    AND NOT e.id <@ coalesce(
        (SELECT range_agg(r) FROM audit_seal s, unnest(s.ranges) AS r WHERE s.n <= %(last)s), '{{}}'::int8multirange)
"""  # noqa: S608 - of constants

GAP = "SELECT min(n) - 1 FROM audit_seal s WHERE n > 1 AND NOT EXISTS (SELECT FROM audit_seal o WHERE o.n = s.n - 1)"

TRIGGERS = """
SELECT tgname FROM pg_trigger
WHERE NOT tgisinternal AND tgenabled = 'A' AND tgrelid = ANY(%s::regclass[])
"""
