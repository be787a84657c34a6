"""Attacks on access tokens: every one is 401 without a write."""

import base64
import hmac
import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.conf import settings as django_settings
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.actions import keys, sessions
from accounts.constants import ACCESS_LEEWAY_SECONDS, KEY_RING_SECONDS
from accounts.errors import SigningUnavailable, TokenExpired, TokenInvalid
from accounts.keys import ring, rows
from accounts.models import Session, SigningKey, User
from accounts.tests import factories
from accounts.tokens import StaffAccessToken
from common import clock, tokens
from common.actor import Actor

pytestmark = pytest.mark.django_db
ME = "/api/auth/me"
OPERATOR = Actor.operator()


@pytest.fixture
def session(owner: User) -> Session:
    factories.sign_in(owner)
    return Session.objects.get()


@pytest.fixture
def rs256(settings: Any) -> SigningKey:
    """Signing as in production, with the key that `release` makes."""
    settings.PRODUCTION = True
    key = keys.ensure(by=OPERATOR)
    assert key is not None
    return key


def claims(session: Session, **changes: Any) -> dict[str, Any]:
    now = int(clock.db_now().timestamp())
    body = {
        "iss": django_settings.PUBLIC_URL,
        "aud": "api",
        "sub": str(session.user_id),
        "sid": str(session.pk),
        "jti": uuid.uuid4().hex,
        "iat": now,
        "nbf": now,
        "exp": now + 300,
        "amr": ["pwd"],
        "auth_time": now,
        **changes,
    }
    return {name: value for name, value in body.items() if value is not ...}


def forge(body: dict[str, Any], key: Any = None, algorithm: str = "HS256", **header: Any) -> str:
    full = {"kid": "local", "typ": "at+jwt", **header}
    full = {name: value for name, value in full.items() if value is not ...}
    return jwt.encode(body, key or django_settings.JWT_SECRET, algorithm=algorithm, headers=full)


def raw(header: Any, body: Any, signature: bytes = b"x" * 32) -> str:
    parts = [json.dumps(header).encode(), json.dumps(body).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def ask(api: APIClient, token: str) -> tuple[int, str]:
    answer = api.get(ME, HTTP_AUTHORIZATION=f"Bearer {token}")
    return answer.status_code, answer.json().get("code", "ok")


INVALID = (401, "token_invalid")


def test_a_good_token_costs_one_query_for_session_user_and_clock(api: APIClient, session: Session) -> None:
    good = forge(claims(session))
    with CaptureQueriesContext(connection) as queries:
        assert ask(api, good) == (200, "ok")

    assert sum("accounts_session" in query["sql"] for query in queries) == 1
    assert sum("clock_timestamp" in query["sql"] for query in queries) == 1
    assert queries[0]["sql"].count("JOIN") == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "other"},
        {"aud": ["other", "api"]},
        {"aud": ["api"]},
        {"aud": ...},
        {"iss": "http://evil.example"},
        {"iss": ...},
        {"exp": ...},
        {"sub": ...},
        {"jti": ...},
        {"sid": ...},
        {"nbf": ...},
        {"iat": ...},
        {"amr": ...},
        {"auth_time": ...},
        {"sub": 7},
        {"sub": str(uuid.UUID(int=1))},
        {"sid": str(uuid.UUID(int=1))},
        {"sid": "'; DROP TABLE accounts_session; --"},
        {"sid": "no-uuid"},
        {"amr": "pwd"},
        {"amr": [1]},
        {"exp": 10**30},
        {"exp": True},
        {"exp": "2030-01-01"},
        {"iat": -1, "exp": 10},
    ],
)
def test_wrong_claims_are_invalid(api: APIClient, session: Session, changes: dict[str, Any]) -> None:
    assert ask(api, raw_signed(claims(session, **changes))) == INVALID


def raw_signed(body: dict[str, Any], **header: Any) -> str:
    """Signed rightly whatever the claims are; PyJWT refuses to sign some of them."""
    full = {"alg": "HS256", "kid": "local", "typ": "at+jwt", **header}
    message = raw(full, body).rpartition(".")[0]
    signature = ring.current().signer(clock.db_now()).sign(message.encode())
    return f"{message}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": "refresh+jwt"},
        {"typ": ...},
        {"kid": "unknown"},
        {"kid": "../../etc/passwd"},
        {"kid": "' OR 1=1 --"},
        {"kid": "k" * 10_000},
        {"kid": ...},
        {"jku": "http://127.0.0.1:9/keys"},
        {"x5u": "http://127.0.0.1:9/cert"},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"crit": ["exp2"], "exp2": 1},
        {"b64": False, "crit": ["b64"]},
    ],
)
def test_wrong_headers_are_invalid(api: APIClient, session: Session, header: dict[str, Any]) -> None:
    full = {name: value for name, value in header.items() if value is not ...}
    dropped = {name for name, value in header.items() if value is ...}
    base = {"alg": "HS256", "kid": "local", "typ": "at+jwt", **full}
    message = raw({name: value for name, value in base.items() if name not in dropped}, claims(session))
    head = message.rpartition(".")[0]
    signature = ring.current().signer(clock.db_now()).sign(head.encode())

    assert ask(api, f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}") == INVALID
    assert ask(api, raw_signed(claims(session))) == (200, "ok")


@pytest.mark.parametrize("alg", ["none", "nOnE", "None", "HS512", "ES256", 7, None])
def test_other_algorithms_are_invalid(api: APIClient, session: Session, alg: Any) -> None:
    header = {"alg": alg, "kid": "local", "typ": "at+jwt"}
    for signature in (b"", b"x" * 32):
        assert ask(api, raw(header, claims(session), signature)) == INVALID
    assert ask(api, raw({**header, "kid": 7}, claims(session))) == INVALID


def test_times(api: APIClient, session: Session) -> None:
    now = int(clock.db_now().timestamp())
    assert ask(api, forge(claims(session, iat=now - 301, nbf=now - 301, exp=now - 1))) == (401, "token_expired")
    assert ask(api, forge(claims(session, nbf=now + 60))) == INVALID
    assert ask(api, forge(claims(session, iat=now + 60, nbf=now + 60, exp=now + 120))) == INVALID
    assert ask(api, forge(claims(session, iat=now, nbf=now, exp=now + 301))) == INVALID
    good = forge(claims(session, iat=now - 10, nbf=now - 10, exp=now + 290))
    with clock.shift(now + 289.5 - clock.db_now().timestamp()):
        assert ask(api, good) == (200, "ok")
    with clock.shift(now + 290.1 - clock.db_now().timestamp()):
        assert ask(api, good) == (401, "token_expired")


def test_the_leeway_is_small_and_its_boundary_exact(session: Session) -> None:
    assert ACCESS_LEEWAY_SECONDS <= 30
    start = datetime.fromtimestamp(int(clock.db_now().timestamp()), UTC)
    token = StaffAccessToken(forge(claims(session)).encode())  # type: ignore[arg-type]  # simplejwt's own class
    exp = datetime.fromtimestamp(token["exp"], UTC) + timedelta(seconds=ACCESS_LEEWAY_SECONDS)
    token.check_times(exp - timedelta(microseconds=1))
    with pytest.raises(TokenExpired):
        token.check_times(exp)
    token["nbf"] = int((start + timedelta(seconds=10)).timestamp())
    token.check_times(start + timedelta(seconds=10 - ACCESS_LEEWAY_SECONDS))
    with pytest.raises(TokenInvalid):
        token.check_times(start + timedelta(seconds=10 - ACCESS_LEEWAY_SECONDS, microseconds=-1))


def test_a_token_of_a_deleted_user_is_invalid(api: APIClient, session: Session) -> None:
    good = forge(claims(session))
    session.user.delete()

    assert ask(api, good) == INVALID


def test_a_huge_header_is_cheap(api: APIClient, session: Session) -> None:
    header = "Bearer " + "A" * 200_000
    times = []
    for _ in range(5):
        began = time.perf_counter()
        assert api.get(ME, HTTP_AUTHORIZATION=header).status_code == 401
        times.append(time.perf_counter() - began)
    assert min(times) < 0.05


@pytest.mark.parametrize("prefix", ["rt_", "ch_", "en_", "iv_", "pr_"])
def test_opaque_tokens_are_no_bearers(api: APIClient, owner: User, prefix: str) -> None:
    assert ask(api, tokens.issue(prefix)) == INVALID


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "not_authenticated"),
        ("Basic abc", "not_authenticated"),
        ("Bearer", "token_invalid"),
        ("Bearer a b", "token_invalid"),
        ("Bearer " + "A" * 200_000, "token_invalid"),
        ("Bearer " + "a." * 5_000, "token_invalid"),
        ("Bearer ünïcode", "token_invalid"),
        ("Bearer ...", "token_invalid"),
    ],
)
def test_odd_headers(api: APIClient, owner: User, header: str, code: str) -> None:
    began = time.monotonic()
    answer = api.get(ME, HTTP_AUTHORIZATION=header)

    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
    assert time.monotonic() - began < 1


def test_attacks_write_nothing(api: APIClient, session: Session) -> None:
    attacks = [forge(claims(session, aud="other")), raw({"alg": "none"}, claims(session), b""), tokens.issue("rt_")]
    with CaptureQueriesContext(connection) as queries:
        assert [ask(api, attack) for attack in attacks] == [INVALID] * 3
    assert not [query for query in queries if query["sql"].split()[0] in {"INSERT", "UPDATE", "DELETE"}]


def test_a_session_that_was_revoked_or_ran_out_is_revoked(api: APIClient, session: Session) -> None:
    good = forge(claims(session))
    sessions.revoke(user=session.user, session_id=session.pk, by=Actor.staff(session.user))

    assert ask(api, good) == (401, "session_revoked")


class TestRs256:
    """Keys in rows, as in production."""

    def test_tokens_verify_offline_by_the_key_set(self, api: APIClient, owner: User, rs256: SigningKey) -> None:
        client = factories.sign_in(owner)
        assert client.get(ME).status_code == 200

        answer = api.get("/api/auth/jwks.json")
        assert answer["Cache-Control"] == "public, max-age=300"
        assert api.get("/.well-known/jwks.json").json() == answer.json()
        (key,) = answer.json()["keys"]
        assert set(key) == {"kty", "n", "e", "alg", "use", "kid"}
        assert (key["kty"], key["alg"], key["use"], key["kid"]) == ("RSA", "RS256", "sig", rs256.kid)
        access = client._credentials["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
        assert jwt.get_unverified_header(access) == {"alg": "RS256", "kid": rs256.kid, "typ": "at+jwt"}
        offline = jwt.decode(access, jwt.PyJWK(key).key, algorithms=["RS256"], audience="api")
        assert offline["sub"] == str(owner.pk)

    def test_the_private_half_is_sealed_in_its_row(self, rs256: SigningKey, tables: Callable[[], str]) -> None:
        assert "PRIVATE" not in tables()
        other = SigningKey.objects.create(
            kid="other",
            public_jwk=rs256.public_jwk,
            private_ciphertext=bytes(rs256.private_ciphertext or b""),
            published_at=rs256.published_at,
            activates_at=rs256.activates_at + timedelta(hours=1),
        )
        ring.forget()
        with clock.shift(7200):  # were the copied bytes to open, they would sign now
            assert ring.current().signer(clock.db_now()).kid == rs256.kid
        assert other.pk != rs256.pk

    def test_hs256_is_refused_even_with_the_public_key_as_secret(
        self, api: APIClient, owner: User, rs256: SigningKey
    ) -> None:
        factories.sign_in(owner)
        session = Session.objects.get()
        assert ask(api, forge(claims(session))) == INVALID
        public = ring.current().verifiers[rs256.kid].key
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[union-attr]
        header = {"alg": "HS256", "kid": rs256.kid, "typ": "at+jwt"}
        message = raw(header, claims(session)).rpartition(".")[0]
        signature = base64.urlsafe_b64encode(hmac.digest(pem, message.encode(), "sha256")).rstrip(b"=").decode()
        assert ask(api, f"{message}.{signature}") == INVALID

    def test_rs256_is_refused_where_hs256_signs(self, api: APIClient, session: Session) -> None:
        key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
        assert ask(api, forge(claims(session), key, "RS256")) == INVALID

    def test_rotation_lets_all_tokens_verify(self, api: APIClient, owner: User, rs256: SigningKey) -> None:
        def token() -> str:
            client = factories.sign_in(owner)
            return str(client._credentials["HTTP_AUTHORIZATION"]).removeprefix("Bearer ")

        before = token()
        rotation = keys.rotate(at_once=False, by=OPERATOR)
        assert keys.rotate(at_once=False, by=OPERATOR).key == rotation.key
        during = token()
        assert jwt.get_unverified_header(during)["kid"] == rs256.kid
        assert {key["kid"] for key in api.get("/api/auth/jwks.json").json()["keys"]} == {rs256.kid, rotation.key.kid}
        assert ask(api, before) == ask(api, during) == (200, "ok")

        with clock.shift(361):
            ring.forget()
            last = token()
            assert jwt.get_unverified_header(last)["kid"] == rotation.key.kid
            assert ask(api, last) == (200, "ok")
        with clock.shift(355):
            still = token()
            assert jwt.get_unverified_header(still)["kid"] == rs256.kid
        with clock.shift(370):
            assert ask(api, still) == (200, "ok")  # signed by the retiring key
        with clock.shift(361 + 300 + 300 + 1):
            ring.forget()
            assert [key["kid"] for key in api.get("/api/auth/jwks.json").json()["keys"]] == [rotation.key.kid]
            assert ask(api, still) == INVALID  # its key is gone

    def test_the_next_key_verifies_before_it_signs(self, api: APIClient, owner: User, rs256: SigningKey) -> None:
        """An instance whose clock or reading is ahead may sign with it: the others take it."""
        factories.sign_in(owner)
        following = keys.rotate(at_once=False, by=OPERATOR).key
        private = rows.unseal(following)
        early = forge(claims(Session.objects.get()), private, "RS256", kid=following.kid)

        assert ask(api, early) == (200, "ok")

    def test_a_rotation_is_heard_of_within_a_minute(
        self, api: APIClient, owner: User, rs256: SigningKey, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ring.current()
        with monkeypatch.context() as patch:
            patch.setattr(ring, "forget", lambda: None)  # another process rotates
            following = keys.rotate(at_once=False, by=OPERATOR).key
        assert following.kid not in ring.current().verifiers
        later = time.monotonic() + KEY_RING_SECONDS
        monkeypatch.setattr(ring.time, "monotonic", lambda: later)
        assert following.kid in ring.current().verifiers

    def test_the_former_ring_serves_while_the_table_cannot_be_read(
        self, rs256: SigningKey, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = ring.current()
        later = time.monotonic() + KEY_RING_SECONDS
        monkeypatch.setattr(ring.time, "monotonic", lambda: later)
        monkeypatch.setattr(ring, "_read", lambda: (_ for _ in ()).throw(OperationalError("away")))
        assert ring.current() is before
        ring.forget()
        with pytest.raises(SigningUnavailable):
            ring.current()

    def test_rotation_after_a_leak_is_immediate(self, api: APIClient, owner: User, rs256: SigningKey) -> None:
        client = factories.sign_in(owner)
        keys.rotate(at_once=True, by=OPERATOR)

        dead = client.get(ME)
        assert (dead.status_code, dead.json()["code"]) == INVALID
        assert factories.sign_in(owner).get(ME).status_code == 200

    def test_an_override_signs_and_the_former_key_still_verifies(
        self, api: APIClient, owner: User, rs256: SigningKey, settings: Any
    ) -> None:
        former = factories.sign_in(owner)
        own = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
        settings.JWT_PRIVATE_KEY = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        row = keys.ensure(by=OPERATOR)

        assert row is not None
        assert (row.private_ciphertext, keys.ensure(by=OPERATOR)) == (None, None)
        client = factories.sign_in(owner)
        access = client._credentials["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
        assert jwt.get_unverified_header(access)["kid"] == row.kid
        assert client.get(ME).status_code == former.get(ME).status_code == 200
        assert {key["kid"] for key in api.get("/api/auth/jwks.json").json()["keys"]} == {rs256.kid, row.kid}

    def test_release_twice_makes_one_key(self, rs256: SigningKey) -> None:
        assert keys.ensure(by=OPERATOR) is None
        assert SigningKey.objects.count() == 1


def test_hs256_publishes_no_key(api: APIClient, db: None) -> None:
    assert api.get("/api/auth/jwks.json").json() == {"keys": []}
    assert keys.ensure(by=OPERATOR) is None
