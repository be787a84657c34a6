"""What `benchmarks.sign_in` measures and plants inside a Django process of its own."""

import json
import time
from collections.abc import Callable, Iterator, Mapping

from django.contrib.auth.hashers import get_hasher, make_password
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client

from accounts import selectors, totp
from accounts.actions import backup_codes, challenges, roles, sessions
from accounts.actions import keys as signing_keys
from accounts.constants import REFRESH_AUDIT_EVERY, ROLE_EDITOR
from accounts.hashers import BackupCodeHasher
from accounts.models import RefreshToken, SecondFactor, Session, User
from common.actor import Actor
from common.clock import db_now
from devkit.processes import LOOPBACK

PASSWORD = "correct-horse-battery-77"
BY = Actor.operator()
WARM_UPS = 2


def release() -> None:
    """Roles, a signing key, the table of the limits and two users: one without a factor and one with."""
    call_command("createcachetable", verbosity=0)
    roles.sync(by=BY)
    signing_keys.ensure(by=BY)
    users = [
        User.objects.create(email=email, password=make_password(PASSWORD), created_at=db_now())
        for email in ("plain@example.com", "careful@example.com")
    ]
    careful = users[1]
    Group.objects.get(name=ROLE_EDITOR).user_set.add(*users)  # an answer without permissions would be too cheap
    factor = SecondFactor(user=careful, confirmed=True, created_at=db_now(), confirmed_at=db_now())
    factor.secret_ciphertext = totp.seal(factor, totp.new_secret())
    factor.save(force_insert=True)


def measure(*, seconds: float, backwards: bool) -> None:
    """Print the rates of the four subjects as JSON. Each takes turns with its baseline, so a slow second hits both."""
    pairs: list[dict[str, Callable[[], float]]] = [
        {"one Argon2id": _one_hash(), "sign-in": _sign_in},
        {"its Argon2id": _backup_hash(), "backup code": _Backup().verify},
    ]
    rates: dict[str, float] = {}
    for pair in reversed(pairs) if backwards else pairs:
        rates |= _rates(pair, seconds)
    print(json.dumps(rates))


def plant(*, count: int, tokens: bool) -> None:
    """Print the refresh tokens of so many fresh sessions, or the sessions' ids.

    The sessions are of all ages: one refresh of so many is written to the audit, a session's first among them.
    """
    user = User.objects.get(email="plain@example.com")
    for number in range(count):
        pair = sessions.open(user=user, amr=["pwd"], transport=Session.Transport.BODY, now=db_now())
        if tokens:
            age = number % REFRESH_AUDIT_EVERY
            Session.objects.filter(pk=pair.session.pk).update(generation=age)
            RefreshToken.objects.filter(session=pair.session).update(generation=age)
        print(pair.refresh if tokens else pair.session.pk)


def _rates(acts: Mapping[str, Callable[[], float]], seconds: float) -> dict[str, float]:
    """How often a second each could run, by the time that it says it took; its preparations do not count."""
    for act in acts.values():
        for _ in range(WARM_UPS):
            act()
    taken, count = dict.fromkeys(acts, 0.0), 0
    while max(taken.values()) < seconds:
        for name, act in acts.items():
            taken[name] += act()
        count += 1
    return {name: count / took for name, took in taken.items()}


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _one_hash() -> Callable[[], float]:
    hasher = get_hasher()
    encoded = make_password(PASSWORD)
    return lambda: _timed(lambda: hasher.verify(PASSWORD, encoded))


def _backup_hash() -> Callable[[], float]:
    hasher = BackupCodeHasher()
    encoded = hasher.encode(PASSWORD, hasher.salt())
    return lambda: _timed(lambda: hasher.verify(PASSWORD, encoded))


def _sign_in() -> float:
    return _timed(lambda: _post("login", email="plain@example.com", password=PASSWORD))


class _Backup:
    """Uses codes up and makes new ones, as its user would."""

    def __init__(self) -> None:
        self.user = User.objects.get(email="careful@example.com")
        self.codes: Iterator[str] = iter(())

    def verify(self) -> float:
        """A fresh challenge, not timed, and the request that answers it."""
        code = next(self.codes, "") or self._more()
        token = challenges.issue(user=self.user, now=db_now()).token
        return _timed(lambda: _post("2fa/backup/verify", challenge_token=token, code=code))

    def _more(self) -> str:
        factor = selectors.second_factor(self.user)
        if factor is None:
            raise RuntimeError("The user of the benchmark has lost the factor.")
        self.codes = iter(backup_codes.regenerate(user=self.user, by=BY))
        return next(self.codes)


def _post(path: str, **body: str) -> None:
    client = Client(SERVER_NAME=LOOPBACK)
    answer = client.post(f"/api/auth/{path}", json.dumps(body), content_type="application/json")
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.content[:300]!r}")
