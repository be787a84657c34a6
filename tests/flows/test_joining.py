"""From the invitation to the last sign-out, as a client sees it: HTTP requests and the mails that arrive, no more.

On the way every secret that was given out or typed in is collected. Afterwards none of them stands in the database or
in a log line, and each backup code was in one answer only.
"""

import base64
import hashlib
import hmac
import io
import json
import logging
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.tests import factories
from common import clock
from jobs.testing import run_due

pytestmark = pytest.mark.django_db(transaction=True)
OWNER, NEWCOMER = "owner@example.com", "ben@example.com"
OWNER_PASSWORD, PASSWORD, LATER, LAST = (
    "amber-otter-canyon-31",
    "violet-tractor-lagoon-58",
    "cobalt-ferry-meadow-77",
    "saffron-glacier-piano-12",
)
STEP_SECONDS = 30
TOLD = ("access", "refresh", "challenge_token", "enrollment_token", "secret")


class Walk:
    """One system, its people's devices and everything secret that passed between them."""

    def __init__(self, base: str, mails: list[Any], stack: ExitStack) -> None:
        self.base, self.mails, self.stack = base, mails, stack
        self.secrets: set[str] = {OWNER_PASSWORD, PASSWORD, LATER, LAST}
        self.codes: set[str] = set()
        self.answers: list[str] = []

    def later(self, seconds: float) -> None:
        """Let time pass for the server."""
        self.stack.enter_context(clock.shift(seconds))

    def post(self, path: str, expected: int, *, access: str = "", method: str = "POST", **body: Any) -> Any:
        """Send JSON and return what came back; its secrets are remembered."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {access}"} if access else {})
        data = None if method in {"GET", "DELETE"} else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}/api/auth/{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                status, text = response.status, response.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                status, text = refused.code, refused.read().decode()
        assert status == expected, (path, status, text)
        self.answers.append(text)
        found = json.loads(text) if text else {}
        self.secrets |= {found[name] for name in TOLD if name in found}
        self.codes |= set(found.get("backup_codes", []))
        return found

    def get(self, path: str, expected: int, *, access: str) -> Any:
        """Read."""
        return self.post(path, expected, access=access, method="GET")

    def mailed(self, address: str, place: str) -> str:
        """The token of the newest mail to an address, once the runner has sent it."""
        run_due()
        newest = next(mail for mail in reversed(self.mails) if mail.to == [address] and f"/auth/{place}/" in mail.body)
        found = re.search(rf"/auth/{place}/(\S+)", newest.body)
        assert found
        self.secrets.add(found[1])
        return found[1]

    def app(self, secret: str) -> str:
        """What an authenticator app shows next (RFC 6238, written once more: the server's own code judges nothing)."""
        self.later(STEP_SECONDS + 1)
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
            at = float(cursor.fetchone()[0]) + clock._offset.total_seconds()
        key = base64.b32decode(secret + "=" * (-len(secret) % 8))
        digest = hmac.digest(key, (int(at) // STEP_SECONDS).to_bytes(8, "big"), "sha1")
        start = digest[-1] & 15
        return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFF_FFFF) % 1_000_000:06d}"

    def enrol(self, token: str) -> tuple[str, Any]:
        """Set up an app by an enrolment token; returns its secret and the answer with codes and tokens."""
        begun = self.post("2fa/enroll", 200, enrollment_token=token)
        code = self.app(begun["secret"])
        done = self.post(
            "2fa/enroll/confirm", 200, enrollment_token=token, enrollment_id=begun["enrollment_id"], code=code
        )
        assert len(done["backup_codes"]) == 10
        return begun["secret"], done

    def sign_in(self, email: str, password: str, path: str, code: str) -> Any:
        """Both steps."""
        asked = self.post("login", 200, email=email, password=password)
        assert asked["status"] == "2fa_required"
        return self.post(path, 200, challenge_token=asked["challenge_token"], code=code)


@pytest.fixture
def walk(live_server: Any, mailoutbox: list[Any], settings: Any) -> Iterator[Walk]:
    settings.STAFF_TWO_FACTOR = "required"
    settings.PUBLIC_URL = "http://testserver"
    factories.make_roles()
    with ExitStack() as stack:
        yield Walk(live_server.url, mailoutbox, stack)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the log says at the level of production, as it is written out."""
    root = logging.getLogger()
    configured = next(one for one in root.handlers if one.formatter and "Processor" in type(one.formatter).__name__)
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(configured.formatter)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield out
    root.removeHandler(handler)
    root.setLevel(level)


def join(walk: Walk) -> tuple[Any, str, Any]:
    """The first Owner joins by the shell's link, and invites a colleague; both have an app at the end."""
    printed = io.StringIO()
    call_command("invite_owner", OWNER, stdout=printed)
    link = printed.getvalue().rsplit("/", 1)[1].strip()
    walk.secrets.add(link)
    accepted = walk.post("invites/accept", 201, token=link, password=OWNER_PASSWORD)
    _, owner = walk.enrol(accepted["enrollment_token"])

    walk.post("invites", 201, access=owner["access"], email=NEWCOMER, roles=["Editor"])
    first = walk.mailed(NEWCOMER, "invite")
    invite = walk.get("invites", 200, access=owner["access"])["data"][0]
    walk.post(f"invites/{invite['id']}/resend", 200, access=owner["access"])
    token = walk.mailed(NEWCOMER, "invite")
    assert walk.post("invites/inspect", 404, token=first)["code"] == "invite_invalid"
    walk.post("invites/inspect", 200, token=token)
    walk.post("invites/accept", 400, token=token, password="password1234")
    accepted = walk.post("invites/accept", 201, token=token, password=PASSWORD, first_name="Ben")
    secret, newcomer = walk.enrol(accepted["enrollment_token"])
    assert walk.get("me", 200, access=newcomer["access"])["two_factor"]["enabled"] is True
    return owner, secret, newcomer


def live(walk: Walk, secret: str, joined: Any) -> Any:
    """Every day: sign in with the app, renew, come back with a backup code, end a session, change what is secret."""
    walk.post("logout", 204, refresh=joined["refresh"])
    walk.get("me", 401, access=joined["access"])
    desk = walk.sign_in(NEWCOMER, PASSWORD, "2fa/verify", walk.app(secret))
    walk.post("login", 401, email=NEWCOMER, password="wrong-" + PASSWORD)
    renewed = walk.post("refresh", 200, refresh=desk["refresh"])
    assert walk.post("refresh", 200, refresh=desk["refresh"])["refresh"] == renewed["refresh"]

    phone = walk.sign_in(NEWCOMER, PASSWORD, "2fa/backup/verify", joined["backup_codes"][0])
    assert phone["backup_codes_remaining"] == 9
    walk.post("reauthenticate", 200, access=renewed["access"], password=PASSWORD, code=walk.app(secret))
    walk.post("2fa/backup/regenerate", 200, access=renewed["access"])
    sessions = walk.get("sessions", 200, access=renewed["access"])["data"]
    assert [one["current"] for one in sessions] == [False, True]
    walk.post(f"sessions/{phone['session_id']}", 204, access=renewed["access"], method="DELETE")
    walk.get("me", 401, access=phone["access"])
    walk.post("password/change", 204, access=renewed["access"], current_password=PASSWORD, new_password=LATER)
    return walk.post("refresh", 200, refresh=renewed["refresh"])


def leave(walk: Walk, secret: str, owner: Any, session: Any) -> None:
    """A forgotten password, a lost phone, and the end."""
    walk.post("password/reset", 202, email=NEWCOMER)
    walk.post("password/reset", 202, email="nobody@example.com")
    token = walk.mailed(NEWCOMER, "reset")
    walk.post("password/reset/confirm", 204, token=token, password=LAST)
    assert walk.post("password/reset/confirm", 410, token=token, password=LATER)["code"] == "reset_used"
    assert walk.get("me", 401, access=session["access"])["code"] == "session_revoked"
    again = walk.sign_in(NEWCOMER, LAST, "2fa/verify", walk.app(secret))

    owner = walk.post("refresh", 200, refresh=owner["refresh"])
    people = walk.get("users", 200, access=owner["access"])["data"]
    ben = next(one["id"] for one in people if one["email"] == NEWCOMER)
    walk.post("reauthenticate", 401, access=owner["access"], password="wrong", code="000000")
    assert walk.post(f"users/{ben}/sessions/revoke", 200, access=owner["access"]) == {"revoked": 1}
    assert walk.get("me", 401, access=again["access"])["code"] == "session_revoked"
    walk.post("logout-all", 200, access=owner["access"])
    walk.get("me", 401, access=owner["access"])
    run_due()


def dump() -> str:
    """Every row of every table as text; bytes as hex."""
    with connection.cursor() as cursor:
        parts: list[str] = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT row::text FROM "{table}" AS row')
            parts += [text for (text,) in cursor.fetchall()]
    return "\n".join(parts)


def forms(secret: str) -> set[str]:
    """The spellings in which a secret might lie about."""
    found = {secret, secret.encode().hex(), base64.b64encode(secret.encode()).decode().rstrip("=")}
    if re.fullmatch(r"[A-Z2-7]{32}", secret):
        found.add(base64.b32decode(secret).hex())
    if secret.startswith("ey"):
        found.add(secret.rsplit(".", 1)[1])
    if re.fullmatch(r"\w-\w{4}-\w{4}-\w{4}", secret):
        found |= {secret.replace("-", ""), secret[2:], secret[2:].replace("-", "")}
    return found | {hashlib.sha256(secret.encode()).hexdigest()}


def test_a_colleague_joins_works_and_leaves_and_no_secret_stays_behind(walk: Walk, log: io.StringIO) -> None:
    owner, secret, joined = join(walk)
    session = live(walk, secret, joined)
    leave(walk, secret, owner, session)

    everything, lines = dump(), log.getvalue()
    assert NEWCOMER in everything
    assert "login_failed" in lines
    assert len(walk.codes) == 30
    assert len(walk.secrets) > 25
    for one in sorted(walk.secrets | walk.codes):
        for form in forms(one):
            assert form not in everything, f"{one} stands in the database"
            assert form not in lines, f"{one} stands in the log"
    for code in walk.codes:
        assert sum(code in answer for answer in walk.answers) == 1
    for password in (OWNER_PASSWORD, PASSWORD, LATER, LAST):
        assert not any(password in answer for answer in walk.answers)


def test_the_search_would_find_a_secret(walk: Walk) -> None:
    """The control: a token in clear is found in each of its spellings."""
    owner = factories.make_user("canary@example.com", first_name="rt_canary-of-the-test")
    assert any(form in dump() for form in forms("rt_canary-of-the-test"))
    owner.password = "x" + b"rt_canary-two".hex()
    owner.save()
    assert any(form in dump() for form in forms("rt_canary-two"))
