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
from accounts.keys import jwk, overrides, rows
from accounts.keys.overrides import PublicSigner
from accounts.keys.signers import HmacSigner, RsaSigner, Signer
from accounts.models import SigningKey
from common.clock import db_now

RETRY_AFTER_SECONDS = 5


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
    shared: Signer | None = None
    timed: list[TimedSigner] = field(default_factory=list)
    gone: frozenset[str] = frozenset()

    def signer(self, now: datetime) -> Signer:
        """Whoever signs now; raises SigningUnavailable when nobody can. May ask KMS for a public key, once."""
        if self.shared is not None:
            return self.shared
        override = overrides.signer()
        if override is not None and override.kid not in self.gone:
            return override
        due = [one for one in self.timed if one.signs(now)]
        if override is not None or not due:
            raise SigningUnavailable(retry_after=RETRY_AFTER_SECONDS)
        return max(due, key=lambda one: one.activates_at).signer

    def key_set(self) -> list[dict[str, str]]:
        """The public keys as JWKS; none where tokens are signed with a shared secret.

        Raises SigningUnavailable where there should be a key and none is known yet.
        """
        if self.shared is not None:
            return []
        keys = {kid: one.key for kid, one in self.verifiers.items()}
        override = self._override()
        if override is not None:
            keys.setdefault(override.kid, override.public_key)
        if not keys:
            raise SigningUnavailable(retry_after=RETRY_AFTER_SECONDS)
        return [jwk.published(jwk.public(key), kid) for kid, key in keys.items() if isinstance(key, RSAPublicKey)]

    def verifier(self, kid: object) -> Verifier | None:
        """The key of that id, looked up among ours in memory only."""
        if not isinstance(kid, str):
            return None
        override = self._override()
        if kid not in self.verifiers and override is not None and override.kid == kid:
            return Verifier(override.public_key)
        return self.verifiers.get(kid)

    def _override(self) -> PublicSigner | None:
        """The override as far as it is at hand: verifying asks nobody."""
        override = overrides.loaded() if self.shared is None else None
        return override if override is not None and override.kid not in self.gone else None


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
    source = (uses_hs256(), overrides.configured(), settings.JWT_SECRET)
    with _lock:
        fresh = _kept is not None and time.monotonic() - _kept.read_at < KEY_RING_SECONDS
        if _kept is not None and _kept.source == source and fresh:
            return _kept.ring
        try:
            _kept = _Kept(_read(), time.monotonic(), source)
        except (OperationalError, InterfaceError) as fault:
            if _kept is None or _kept.source != source:
                raise SigningUnavailable(retry_after=RETRY_AFTER_SECONDS) from fault
        return _kept.ring


def forget() -> None:
    """Read the table again at the next use: after this process changed it."""
    global _kept  # noqa: PLW0603 - the process's one ring
    with _lock:
        _kept = None


def uses_hs256() -> bool:
    """Whether tokens are signed with JWT_SECRET: outside production, unless the environment names a key."""
    return not settings.PRODUCTION and not overrides.configured() and bool(settings.JWT_SECRET)


def _read() -> Ring:
    if uses_hs256():
        secret = settings.JWT_SECRET.encode()
        signer = HmacSigner(secret)
        return Ring("HS256", {signer.kid: Verifier(secret)}, shared=signer)
    now = db_now()
    keys = list(SigningKey.objects.filter(Q(gone_at__isnull=True) | Q(gone_at__gt=now)))
    verifiers = {row.kid: Verifier(jwk.load(row.public_jwk), row.gone_at) for row in keys}
    gone = frozenset(SigningKey.objects.filter(gone_at__lte=now).values_list("kid", flat=True))
    return Ring("RS256", verifiers, timed=[] if overrides.configured() else _timed(keys), gone=gone)


def _timed(keys: list[SigningKey]) -> list[TimedSigner]:
    opened = ((row, rows.unseal(row)) for row in keys)
    return [TimedSigner(RsaSigner(key), row.activates_at, row.retires_at) for row, key in opened if key is not None]
