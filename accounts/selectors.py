"""Shared reads of accounts. They never write."""

import hmac
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.contrib.auth.models import Permission
from django.db.models import DateTimeField, Exists, F, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL

from accounts.constants import (
    KNOWN_NETWORK_DAYS,
    METHOD_BACKUP_CODE,
    METHOD_TOTP,
    REAUTH_SECONDS,
    ROLE_OWNER,
)
from accounts.models import (
    BackupCode,
    EnrollmentToken,
    Invite,
    KnownNetwork,
    LoginChallenge,
    PasswordReset,
    RefreshToken,
    SecondFactor,
    Session,
    SigningKey,
    User,
)
from common import clock, tokens


@dataclass(frozen=True)
class KeyState:
    """A signing key as people may see it: no half of the key, only what it is called and where it stands."""

    kid: str
    state: str
    about: str
    published_at: datetime
    activates_at: datetime
    retires_at: datetime | None
    gone_at: datetime | None


@dataclass(frozen=True)
class SessionNow:
    """A session with its user, and the database's clock of the same query."""

    session: Session
    now: datetime


@dataclass(frozen=True)
class AdminSessionNow(SessionNow):
    """As that, and whether the user has a second factor now."""

    has_factor: bool


@dataclass(frozen=True)
class ChallengeNow:
    """A challenge with its user, and the database's clock of the same query."""

    challenge: LoginChallenge
    now: datetime


class PepperUse(NamedTuple):
    """What depends on a pepper: tokens that have not expired, and backup codes that are unused."""

    tokens: int
    backup_codes: int


def user_by_email(address: str) -> User | None:
    """The user of a canonical address, active or not."""
    return User.objects.filter(email=address).first()


def user_by_id(user_id: str | uuid.UUID) -> User | None:
    """The user of an id, active or not."""
    return User.objects.filter(pk=user_id).first()


def active_users() -> QuerySet[User]:
    """Colleagues whose account is open."""
    return User.objects.filter(is_active=True)


def owner_emails() -> list[str]:
    """Where the Owners get their mail."""
    return list(active_users().filter(groups__name=ROLE_OWNER).values_list("email", flat=True))


def roles_of(user: User) -> list[str]:
    """The names of a user's roles, in order."""
    return sorted(group.name for group in user.groups.all())


def permissions_of_roles(names: Iterable[str]) -> set[str]:
    """Every permission, as `app.codename`, that any of the roles holds."""
    rows = Permission.objects.filter(group__name__in=list(names)).values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in rows}


def second_factor(user: User) -> SecondFactor | None:
    """The user's confirmed factor."""
    return SecondFactor.objects.filter(user=user, confirmed=True).first()


def pending_factor(user: User, *, now: datetime) -> SecondFactor | None:
    """The user's enrolment that still waits for its first code."""
    return SecondFactor.objects.select_related("user").filter(user=user, confirmed=False, expires_at__gt=now).first()


def has_second_factor(user: User) -> bool:
    """Whether the user has enrolled a second factor."""
    return SecondFactor.objects.filter(user=user, confirmed=True).exists()


def backup_codes_remaining(user: User) -> int:
    """How many backup codes of the present batch are unused."""
    rows = BackupCode.objects.filter(factor__user=user, factor__confirmed=True, used_at__isnull=True)
    return rows.filter(batch=F("factor__batch")).count()


def factor_methods(user: User) -> list[str]:
    """How the user can prove the second factor: by the app, and by backup codes while there are any. One query."""
    unused = BackupCode.objects.filter(factor=OuterRef("pk"), batch=OuterRef("batch"), used_at__isnull=True)
    factors = SecondFactor.objects.filter(user=user, confirmed=True)
    has_codes = factors.annotate(has_codes=Exists(unused)).values_list("has_codes", flat=True).first()
    if has_codes is None:
        return []
    return [METHOD_TOTP, METHOD_BACKUP_CODE] if has_codes else [METHOD_TOTP]


def colleagues() -> QuerySet[User]:
    """Everyone with an account, with their roles; `has_factor` and `has_codes` say how the second factor is proven."""
    factors = SecondFactor.objects.filter(user=OuterRef("pk"), confirmed=True)
    codes = BackupCode.objects.filter(factor__user=OuterRef("pk"), factor__confirmed=True, used_at__isnull=True)
    present = codes.filter(batch=F("factor__batch"))
    rows = User.objects.annotate(has_factor=Exists(factors), has_codes=Exists(present))
    return rows.prefetch_related("groups")


def session_now(session_id: str) -> SessionNow | None:
    """The session of an access token in one query: session, user and clock. None when there is no such session."""
    instant = RawSQL("clock_timestamp()", (), output_field=DateTimeField())
    row = Session.objects.select_related("user").annotate(read_at=instant).filter(pk=session_id).first()
    return None if row is None else SessionNow(row, clock.adjusted(row.read_at))


def admin_session_now(session_id: str) -> AdminSessionNow | None:
    """The session of a browser in the admin in one query, with whether its user has a factor now."""
    instant = RawSQL("clock_timestamp()", (), output_field=DateTimeField())
    factors = SecondFactor.objects.filter(user=OuterRef("user"), confirmed=True)
    rows = Session.objects.select_related("user").annotate(read_at=instant, has_factor=Exists(factors))
    row = rows.filter(pk=session_id, transport=Session.Transport.ADMIN).first()
    return None if row is None else AdminSessionNow(row, clock.adjusted(row.read_at), row.has_factor)


def live_sessions(user: User, *, now: datetime) -> QuerySet[Session]:
    """A user's sessions that still open anything."""
    return user.sessions.filter(revoked_at__isnull=True, idle_expires_at__gt=now, absolute_expires_at__gt=now)


def is_live(session: Session, *, now: datetime) -> bool:
    """Whether the session is neither revoked nor expired."""
    return session.revoked_at is None and now < session.idle_expires_at and now < session.absolute_expires_at


def recently_signed_in(session: Session, *, now: datetime) -> bool:
    """Whether the password was given in the last five minutes."""
    return now < reauth_until(session)


def reauth_until(session: Session) -> datetime:
    """Until when acts that ask for a recent sign-in are open to the session."""
    return session.reauth_at + timedelta(seconds=REAUTH_SECONDS)


def knows_network(address: str, network: str, *, now: datetime) -> bool:
    """Whether the account of a canonical address signed in, or had a session, from that network in the last 30 days."""
    since = now - timedelta(days=KNOWN_NETWORK_DAYS)
    signed_in = KnownNetwork.objects.filter(user__email=address, network=network, last_seen_at__gte=since)
    sessions = Session.objects.filter(user__email=address, network=network, last_used_at__gte=since)
    return signed_in.exists() or sessions.exists()


def challenge_now(raw: str) -> ChallengeNow | None:
    """The challenge of a raw token in one query: challenge, user and clock; whatever its state."""
    hashes = [digest.hash for digest in tokens.candidates("challenge", raw)]
    instant = RawSQL("clock_timestamp()", (), output_field=DateTimeField())
    rows = LoginChallenge.objects.select_related("user").annotate(read_at=instant)
    row = rows.filter(token_hash__in=hashes).first()
    return None if row is None else ChallengeNow(row, clock.adjusted(row.read_at))


def enrollment_token(raw: str) -> EnrollmentToken | None:
    """The row of a raw enrolment token with its user, whatever its state."""
    hashes = [digest.hash for digest in tokens.candidates("enrollment", raw)]
    return EnrollmentToken.objects.select_related("user").filter(token_hash__in=hashes).first()


def password_reset(raw: str) -> PasswordReset | None:
    """The row of a raw reset token with its user, whatever its state."""
    hashes = [digest.hash for digest in tokens.candidates("reset", raw)]
    return PasswordReset.objects.select_related("user").filter(token_hash__in=hashes).first()


def password_fingerprint(user: User) -> bytes:
    """What a challenge remembers of the password's hash."""
    return tokens.derive("password-fingerprint", str(user.pk), user.password)


def has_fingerprint(user: User, fingerprint: bytes | memoryview | None) -> bool:
    """Whether the password is still the one of that fingerprint."""
    if fingerprint is None:
        return False
    known = tokens.derived_candidates("password-fingerprint", str(user.pk), user.password)
    return any(hmac.compare_digest(bytes(fingerprint), one) for one in known)


def invite_by_token(raw: str) -> Invite | None:
    """The invitation of a raw token, whatever its status."""
    hashes = [digest.hash for digest in tokens.candidates("invite", raw)]
    return Invite.objects.select_related("invited_by").filter(token_hash__in=hashes).first()


def invites(*, status: str = "", now: datetime) -> QuerySet[Invite]:
    """Invitations with that status; one that is pending past its end counts as expired."""
    rows = Invite.objects.select_related("invited_by")
    overdue = Q(status=Invite.Status.PENDING, expires_at__lte=now)
    if status == Invite.Status.PENDING:
        return rows.filter(status=status, expires_at__gt=now)
    if status == Invite.Status.EXPIRED:
        return rows.filter(Q(status=status) | overdue)
    return rows.filter(status=status) if status else rows


def invite_status(invite: Invite, *, now: datetime) -> str:
    """The status as people see it: EXPIRED as soon as the time is over."""
    overdue = invite.status == Invite.Status.PENDING and invite.expires_at <= now
    return str(Invite.Status.EXPIRED if overdue else invite.status)


def key_states(*, now: datetime) -> list[KeyState]:
    """The rows of signing keys with their state at that instant, the newest first."""
    rows = SigningKey.objects.only("kid", "published_at", "activates_at", "retires_at", "gone_at")
    signs = set(rows.filter(private_ciphertext__isnull=False).values_list("kid", flat=True))
    return [_key_state(row, now, signs=row.kid in signs) for row in rows]


def _key_state(row: SigningKey, now: datetime, *, signs: bool) -> KeyState:
    state, about = "Active", "signs, and verifies"
    if not signs:  # only its public half is here
        about = "verifies; signs where JWT_PRIVATE_KEY or JWT_KMS_KEY_ID names it"
    if row.gone_at is not None and row.gone_at <= now:
        state, about = "Gone", "verifies nothing any more"
    elif row.retires_at is not None and row.retires_at <= now:
        state, about = "Retiring", "verifies what it signed"
    elif now < row.activates_at:
        state, about = "Next", "published, does not sign yet"
    return KeyState(row.kid, state, about, row.published_at, row.activates_at, row.retires_at, row.gone_at)


def pepper_use(*, now: datetime) -> dict[str, PepperUse]:
    """By the id of each pepper of JWT_REFRESH_SECRET that rows name: what would stop working without it."""
    open_rows: list[QuerySet[Any]] = [
        RefreshToken.objects.filter(expires_at__gt=now, session__revoked_at__isnull=True),
        LoginChallenge.objects.filter(expires_at__gt=now, consumed_at__isnull=True, superseded_at__isnull=True),
        EnrollmentToken.objects.filter(expires_at__gt=now, consumed_at__isnull=True),
        PasswordReset.objects.filter(expires_at__gt=now, used_at__isnull=True, superseded_at__isnull=True),
        Invite.objects.filter(expires_at__gt=now, status=Invite.Status.PENDING),
    ]
    tokens_by_id: Counter[str] = Counter()
    for rows in open_rows:
        tokens_by_id.update(rows.values_list("pepper_id", flat=True))
    unused = BackupCode.objects.filter(used_at__isnull=True, factor__confirmed=True, batch=F("factor__batch"))
    codes_by_id = Counter(unused.values_list("pepper_id", flat=True))
    return {name: PepperUse(tokens_by_id[name], codes_by_id[name]) for name in {*tokens_by_id, *codes_by_id}}
