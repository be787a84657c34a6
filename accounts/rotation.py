"""The two statements of a refresh, written once: Django takes longer to write such SQL than PostgreSQL to run it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection
from django.db.models import Model

from accounts.models import RefreshToken, Session, User
from accounts.networks import network_of
from common import clock, context, tokens
from common.ids import uuid7
from common.tokens import TokenDigest

M = TypeVar("M", bound=Model)


def _columns(model: type[Model], alias: str) -> str:
    return ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields)


_FIND = f"""
    SELECT clock_timestamp(), {_columns(RefreshToken, "token")}, {_columns(Session, "session")}, {_columns(User, "u")}
    FROM accounts_refreshtoken AS token
    JOIN accounts_session AS session ON session.id = token.session_id
    JOIN accounts_user AS u ON u.id = session.user_id
    WHERE token.token_hash = ANY(%s)
"""  # noqa: S608 - only names of our columns
# The UPDATE of the session is its lock. PostgreSQL looks at this condition again once a rival that had the lock is
# done, so of several at once exactly one goes on. A session's generation is that of its only unrotated token.
GUARD = """
    session.generation = %(generation)s AND session.revoked_at IS NULL
    AND session.idle_expires_at > clock.now AND session.absolute_expires_at > clock.now
    AND EXISTS (SELECT 1 FROM accounts_user AS u WHERE u.id = session.user_id AND u.is_active)
"""
ROTATE = f"""
    WITH clock AS MATERIALIZED (SELECT clock_timestamp() + %(offset)s AS now),
    moved AS (
        UPDATE accounts_session AS session SET
            generation = session.generation + 1, last_used_at = clock.now,
            idle_expires_at = LEAST(clock.now + %(idle)s, session.absolute_expires_at),
            ip = COALESCE(%(ip)s::inet, session.ip), network = COALESCE(%(network)s, session.network)
        FROM clock WHERE session.id = %(session)s AND {GUARD}
        RETURNING session.id, session.generation, session.last_used_at, session.idle_expires_at
    ),
    rotated AS (
        UPDATE accounts_refreshtoken AS parent SET rotated_at = moved.last_used_at, nonce = %(nonce)s
        FROM moved WHERE parent.id = %(token)s AND parent.rotated_at IS NULL
    )
    INSERT INTO accounts_refreshtoken
        (id, session_id, generation, token_hash, pepper_id, created_at, expires_at, retries)
    SELECT %(child)s, id, generation, %(hash)s, %(pepper)s, last_used_at, idle_expires_at, 0 FROM moved
    RETURNING generation, created_at, expires_at
"""  # noqa: S608 - only our own text


@dataclass(frozen=True)
class Found:
    """A refresh token with its session and user, and the database's clock of the same query."""

    token: RefreshToken
    now: datetime

    @property
    def session(self) -> Session:
        """The token's family."""
        return self.token.session


def find(raw: str) -> Found | None:
    """The row of a raw refresh token, whatever its state. One query, no lock."""
    hashes = [digest.hash for digest in tokens.candidates("refresh", raw)]
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [hashes])
        row = cursor.fetchone()
    if row is None:
        return None
    now, values = row[0], list(row[1:])
    token, session, user = _read(RefreshToken, values), _read(Session, values), _read(User, values)
    session.user = user
    token.session = session
    return Found(token, clock.adjusted(now))


def rotate(found: Found, *, nonce: bytes, child: TokenDigest) -> bool:
    """Use the token up, store its successor and slide the session, if all three are still what a rotation needs.

    In the caller's transaction, which holds the session's lock afterwards. False: nothing was written. True: the
    session in `found` is as the database has it now.
    """
    session, here = found.session, context.current()
    values: dict[str, Any] = {
        "offset": clock.offset(),
        "idle": settings.REFRESH_IDLE_EXPIRY,
        "session": session.pk,
        "generation": found.token.generation,
        "token": found.token.pk,
        "nonce": nonce,
        "child": uuid7(),
        "hash": child.hash,
        "pepper": child.pepper_id,
        "ip": here.ip or None,
        "network": network_of(here.ip) if here.ip else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(ROTATE, values)
        row = cursor.fetchone()
    if row is None:
        return False
    session.generation, session.last_used_at, session.idle_expires_at = row
    return True


def _read(model: type[M], values: list[Any]) -> M:
    """A model's instance from the first of the values, which it takes away."""
    names = [field.attname for field in model._meta.concrete_fields]
    taken, values[:] = values[: len(names)], values[len(names) :]
    return model.from_db(connection.alias, names, taken)
