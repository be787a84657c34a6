"""Changing the key of the environment: published first, taken over later, and gone at once after a leak."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from accounts.actions import keys
from accounts.errors import SigningUnavailable
from accounts.keys import kms, overrides, ring
from accounts.models import SigningKey, User
from accounts.tests import factories
from accounts.tests.fake_kms import FAULTS, FakeKms
from common import clock
from common.actor import Actor

pytestmark = pytest.mark.django_db
OPERATOR = Actor.operator()
ME = "/api/auth/me"


def pem() -> str:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def kid_of(text: str) -> str:
    return overrides.from_pem(text).kid


def run(*args: str) -> str:
    out = StringIO()
    call_command("rotate_signing_key", *args, stdout=out)
    return out.getvalue()


def token(owner: User) -> str:
    client = factories.sign_in(owner)
    return str(client._credentials["HTTP_AUTHORIZATION"]).removeprefix("Bearer ")


def ask(api: APIClient, access: str) -> str:
    return str(api.get(ME, HTTP_AUTHORIZATION=f"Bearer {access}").json().get("code", "ok"))


def key_ids(api: APIClient) -> set[str]:
    return {key["kid"] for key in api.get("/api/auth/jwks.json").json()["keys"]}


@pytest.fixture
def first(settings: Any) -> str:
    """Production that signs with JWT_PRIVATE_KEY, after a release."""
    settings.PRODUCTION, settings.JWT_PRIVATE_KEY = True, pem()
    keys.ensure(by=OPERATOR)
    return str(settings.JWT_PRIVATE_KEY)


@pytest.fixture
def fake_kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKms]:
    client = FakeKms()
    monkeypatch.setattr(kms, "client_for", lambda _key_id: client)
    kms._signers.clear()
    yield client
    kms._signers.clear()


def test_the_drill_from_one_pem_to_the_next(
    api: APIClient, owner: User, first: str, settings: Any, tmp_path: Path
) -> None:
    before = token(owner)
    following = pem()
    path = tmp_path / "next.pem"
    path.write_text(following)

    printed = run("--publish", str(path))
    row = SigningKey.objects.get(kid=kid_of(following))
    assert (row.activates_at - row.published_at).total_seconds() == 360
    assert f"JWT_PRIVATE_KEY may change from {row.activates_at:%Y-%m-%d %H:%M:%S %Z} on" in printed
    assert "PRIVATE KEY" not in printed
    assert row.private_ciphertext is None
    during = token(owner)
    assert jwt.get_unverified_header(during)["kid"] == kid_of(first)
    assert key_ids(api) == {kid_of(first), kid_of(following)}
    assert run("--publish", str(path)) == printed
    assert SigningKey.objects.count() == 2

    with clock.shift(361):
        settings.JWT_PRIVATE_KEY = following
        assert keys.ensure(by=OPERATOR) is None
        after = token(owner)
        assert jwt.get_unverified_header(after)["kid"] == kid_of(following)
        assert ask(api, after) == "ok"
        assert key_ids(api) == {kid_of(first), kid_of(following)}
    assert [ask(api, one) for one in (before, during)] == ["ok", "ok"]

    former = SigningKey.objects.get(kid=kid_of(first))
    assert former.retires_at is not None
    with clock.shift(361 + 86_400 + 601):
        ring.forget()
        assert key_ids(api) == {kid_of(following)}
        assert ask(api, before) == "token_invalid"


def test_an_instance_that_still_has_the_old_variable_signs_what_the_new_one_verifies(
    api: APIClient, owner: User, first: str, settings: Any
) -> None:
    following = pem()
    keys.publish(signer=overrides.from_pem(following), at_once=False, by=OPERATOR)
    with clock.shift(361):
        settings.JWT_PRIVATE_KEY = following
        keys.ensure(by=OPERATOR)
        settings.JWT_PRIVATE_KEY = first
        old_instance = token(owner)
        settings.JWT_PRIVATE_KEY = following
        ring.forget()
        assert ask(api, old_instance) == "ok"


def test_after_a_leak_the_old_key_is_gone_and_nobody_signs_until_the_variable_changes(
    api: APIClient, owner: User, first: str, settings: Any, tmp_path: Path
) -> None:
    leaked = token(owner)
    following = pem()
    path = tmp_path / "next.pem"
    path.write_text(following)

    printed = run("--publish", str(path), "--now")

    assert "Change JWT_PRIVATE_KEY now" in printed
    assert ask(api, leaked) == "token_invalid"
    assert key_ids(api) == {kid_of(following)}
    with pytest.raises(SigningUnavailable):
        token(owner)
    settings.JWT_PRIVATE_KEY = following
    keys.ensure(by=OPERATOR)
    assert ask(api, token(owner)) == "ok"


def test_from_a_pem_to_kms(api: APIClient, owner: User, first: str, settings: Any, fake_kms: FakeKms) -> None:
    before = token(owner)
    printed = run("--publish", "alias/sign-in")
    kid = kms.signer("alias/sign-in").kid
    assert "JWT_KMS_KEY_ID may change from" in printed
    assert key_ids(api) == {kid_of(first), kid}

    with clock.shift(361):
        settings.JWT_KMS_KEY_ID = "alias/sign-in"
        keys.ensure(by=OPERATOR)
        after = token(owner)
        assert jwt.get_unverified_header(after)["kid"] == kid
        assert ask(api, after) == "ok"
    assert ask(api, before) == "ok"


def test_the_command_refuses_what_it_cannot_do(first: str, settings: Any, fake_kms: FakeKms, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--publish"):
        run()
    path = tmp_path / "cert.pem"
    path.write_text("-----BEGIN CERTIFICATE-----")
    with pytest.raises(CommandError, match="neither a PEM file"):
        run("--publish", str(path))
    fake_kms.fault = FAULTS["NotFoundException"]
    with pytest.raises(CommandError, match="neither a PEM file"):
        run("--publish", "alias/none")
    assert SigningKey.objects.count() == 1


def test_release_says_when_the_override_cannot_be_had(settings: Any, fake_kms: FakeKms) -> None:
    settings.PRODUCTION, settings.JWT_KMS_KEY_ID = True, "alias/sign-in"
    fake_kms.fault = FAULTS["DisabledException"]

    with pytest.raises(SigningUnavailable):
        keys.ensure(by=OPERATOR)
    assert not SigningKey.objects.exists()


@pytest.mark.parametrize("text", ["nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"])
def test_an_unreadable_pem_stops_signing_and_not_verifying(
    api: APIClient, owner: User, settings: Any, text: str
) -> None:
    settings.PRODUCTION = True
    keys.ensure(by=OPERATOR)
    access = token(owner)
    settings.JWT_PRIVATE_KEY = text
    ring.forget()

    assert ask(api, access) == "ok"
    with pytest.raises(SigningUnavailable):
        token(owner)
