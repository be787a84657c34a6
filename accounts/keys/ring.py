"""The keys of this process: who signs now, and which public keys verify. Rows are read again every minute."""

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import Q

from accounts.constants import KEY_RING_SECONDS
from accounts.errors import SigningUnavailable
from accounts.keys import jwk, rows
from accounts.keys.signers import HmacSigner, RsaSigner, Signer
from accounts.models import SigningKey
from common.clock import db_now


@dataclass(frozen=True)
class Verifier:
    """A public key (or the HS256 secret), and when it stops counting."""

    key: RSAPublicKey | bytes
    gone_at: datetime | None = None


@dataclass(frozen=True)
class TimedSigner:
    """A signer, and the span in which it signs."""

    signer: Signer
    activates_at: datetime
    retires_at: datetime | None

    def signs(self, now: datetime) -> bool:
        """Whether `now` is in its span."""
        return self.activates_at <= now and (self.retires_at is None or now < self.retires_at)


@dataclass(frozen=True)
class Ring:
    """One algorithm, taken from the configuration and never from a token's header."""

    algorithm: str
    verifiers: dict[str, Verifier]
    override: Signer | None = None
    timed: list[TimedSigner] = field(default_factory=list)

    def signer(self, now: datetime) -> Signer:
        """Whoever signs now; raises SigningUnavailable when nobody can."""
        if self.override is not None:
            return self.override
        due = [one for one in self.timed if one.signs(now)]
        if not due:
            raise SigningUnavailable(retry_after=5)
        return max(due, key=lambda one: one.activates_at).signer

    def key_set(self) -> list[dict[str, str]]:
        """The public keys as JWKs; none where tokens are signed with a shared secret."""
        pairs = ((kid, one.key) for kid, one in self.verifiers.items())
        return [jwk.published(jwk.public(key), kid) for kid, key in pairs if isinstance(key, RSAPublicKey)]

    def verifier(self, kid: object) -> Verifier | None:
        """The key of that id, looked up among ours in memory only."""
        return self.verifiers.get(kid) if isinstance(kid, str) else None


@dataclass
class _Kept:
    ring: Ring
    read_at: float
    source: tuple[object, ...]


_kept: _Kept | None = None
_lock = threading.Lock()


def current() -> Ring:
    """The ring, read from the table at most once a minute and process."""
    global _kept  # noqa: PLW0603 - the process's one ring
    source = (uses_hs256(), settings.JWT_SECRET, settings.JWT_PRIVATE_KEY)
    with _lock:
        fresh = _kept is not None and time.monotonic() - _kept.read_at < KEY_RING_SECONDS
        if _kept is not None and _kept.source == source and fresh:
            return _kept.ring
        try:
            _kept = _Kept(_read(), time.monotonic(), source)
        except (OperationalError, InterfaceError) as fault:
            if _kept is None or _kept.source != source:
                raise SigningUnavailable(retry_after=5) from fault
        return _kept.ring


def forget() -> None:
    """Read the table again at the next use: after this process changed it."""
    global _kept  # noqa: PLW0603 - the process's one ring
    with _lock:
        _kept = None


def uses_hs256() -> bool:
    """Whether tokens are signed with JWT_SECRET: outside production, unless a private key is given."""
    return not settings.PRODUCTION and not settings.JWT_PRIVATE_KEY and bool(settings.JWT_SECRET)


def _read() -> Ring:
    if uses_hs256():
        secret = settings.JWT_SECRET.encode()
        signer = HmacSigner(secret)
        return Ring("HS256", {signer.kid: Verifier(secret)}, override=signer)
    keys = list(SigningKey.objects.filter(Q(gone_at__isnull=True) | Q(gone_at__gt=db_now())))
    verifiers = {row.kid: Verifier(jwk.load(row.public_jwk), row.gone_at) for row in keys}
    override = RsaSigner(rows.from_pem(settings.JWT_PRIVATE_KEY)) if settings.JWT_PRIVATE_KEY else None
    if override is not None:
        verifiers.setdefault(override.kid, Verifier(override.public_key))
    return Ring("RS256", verifiers, override, [] if override else _timed(keys))


def _timed(keys: list[SigningKey]) -> list[TimedSigner]:
    opened = ((row, rows.unseal(row)) for row in keys)
    return [TimedSigner(RsaSigner(key), row.activates_at, row.retires_at) for row, key in opened if key is not None]
