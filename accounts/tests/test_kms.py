"""Signing by AWS KMS: one contract over every signer, every fault a 503 that uses nothing up."""

import logging
import os
from collections.abc import Iterator
from typing import Any

import boto3
import jwt
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from django.db import connection
from moto import mock_aws
from prometheus_client import REGISTRY
from rest_framework.test import APIClient

from accounts.actions import keys
from accounts.errors import SigningUnavailable
from accounts.keys import jwk, kms, ring
from accounts.keys.overrides import PublicSigner
from accounts.keys.signers import RsaSigner
from accounts.models import GuessCounter, RefreshToken, Session, SigningKey, User
from accounts.tests import factories
from accounts.tests.factories import PASSWORD
from accounts.tests.fake_kms import ARN, FAULTS, FakeKms
from audit.models import AuditEvent
from common.actor import Actor

OPERATOR = Actor.operator()
ME = "/api/auth/me"


@pytest.fixture(autouse=True)
def _no_kept_clients() -> Iterator[None]:
    kms.forget()
    yield
    kms.forget()


@pytest.fixture
def fake(settings: Any, monkeypatch: pytest.MonkeyPatch) -> FakeKms:
    """Production that signs by KMS, which is this object."""
    client = FakeKms()
    settings.PRODUCTION, settings.JWT_KMS_KEY_ID = True, "alias/sign-in"
    monkeypatch.setattr(kms, "client_for", lambda _key_id: client)
    monkeypatch.setattr(kms, "forget", kms._signers.clear)
    return client


def moto_key(settings: Any) -> str:
    client = boto3.client("kms", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    made = client.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    settings.AWS_ACCESS_KEY_ID, settings.AWS_SECRET_ACCESS_KEY = "a", "b"
    settings.AWS_REGION = "eu-west-1"  # moto answers with an id where AWS answers with an ARN
    return str(made["Arn"])


@pytest.fixture(
    params=["local", "moto", pytest.param("real", marks=pytest.mark.live_sandbox)],
)
def signer(request: pytest.FixtureRequest, settings: Any) -> Iterator[PublicSigner]:
    """Every signer of RS256; the real one when KMS_TEST_KEY_ID names a key."""
    if request.param == "local":
        yield RsaSigner(rsa.generate_private_key(public_exponent=65_537, key_size=2048))
    elif request.param == "moto":
        with mock_aws():
            yield kms.signer(moto_key(settings))
    elif not os.environ.get("KMS_TEST_KEY_ID"):
        pytest.skip("KMS_TEST_KEY_ID names no key.")
    else:
        yield kms.signer(os.environ["KMS_TEST_KEY_ID"])


def test_every_signer_signs_what_its_public_key_verifies_offline(signer: PublicSigner) -> None:
    message = b"eyJhbGciOiJSUzI1NiJ9." + b"e" * 900

    signature = signer.sign(message)

    assert signer.algorithm == "RS256"
    assert signer.kid == jwk.thumbprint(jwk.public(signer.public_key))
    signer.public_key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(InvalidSignature):
        signer.public_key.verify(signature, message + b"x", padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.django_db
def test_a_session_signed_by_motos_kms_verifies_with_the_key_set(api: APIClient, roles: None, settings: Any) -> None:
    owner = factories.make_user("owner@example.com")
    with mock_aws():
        settings.PRODUCTION = True
        settings.JWT_KMS_KEY_ID = moto_key(settings)
        keys.ensure(by=OPERATOR)
        answer = api.post("/api/auth/login", {"email": owner.email, "password": PASSWORD})
    # Outside moto any call to AWS would fail: what follows asks nobody.
    access = answer.json()["access"]
    assert api.get(ME, HTTP_AUTHORIZATION=f"Bearer {access}").status_code == 200
    (published,) = api.get("/api/auth/jwks.json").json()["keys"]
    assert jwt.get_unverified_header(access)["kid"] == published["kid"]
    offline = jwt.decode(access, jwt.PyJWK(published).key, algorithms=["RS256"], audience="api")
    assert offline["sub"] == str(owner.pk)


def test_it_signs_raw_by_the_arn_and_fetches_the_public_half_once(fake: FakeKms) -> None:
    signer = kms.signer("alias/sign-in")
    assert kms.signer("alias/sign-in") is signer
    signer.sign(b"message")

    assert fake.calls == [
        ("get_public_key", {"KeyId": "alias/sign-in"}),
        (
            "sign",
            {
                "KeyId": ARN,
                "Message": b"message",
                "MessageType": "RAW",
                "SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256",
            },
        ),
    ]


def test_the_client_waits_seconds_not_minutes(settings: Any) -> None:
    settings.AWS_ACCESS_KEY_ID = settings.AWS_SECRET_ACCESS_KEY = "x"
    settings.AWS_REGION = "auto"
    client = kms.client_for(ARN)

    assert client.meta.region_name == "eu-west-1"
    config = client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (1, 2)
    assert config.retries["total_max_attempts"] == 2
    assert kms._region("alias/x") is None
    settings.AWS_REGION = "eu-north-1"
    assert kms._region("alias/x") == "eu-north-1"


@pytest.mark.parametrize(
    ("usage", "algorithms", "public"),
    [
        ("ENCRYPT_DECRYPT", [], None),
        ("SIGN_VERIFY", ["RSASSA_PSS_SHA_256"], None),
        ("SIGN_VERIFY", ["ECDSA_SHA_256"], ec.generate_private_key(ec.SECP256R1())),
        ("SIGN_VERIFY", [kms.ALGORITHM], rsa.generate_private_key(public_exponent=65_537, key_size=1024)),
    ],
    ids=["for encryption", "another scheme", "elliptic curve", "too short"],
)
def test_a_key_of_the_wrong_kind_is_refused(fake: FakeKms, usage: str, algorithms: list[str], public: Any) -> None:
    fake.spec = {"KeyUsage": usage, "SigningAlgorithms": algorithms}
    fake.public = public.public_key() if public else fake.public

    with pytest.raises(SigningUnavailable):
        kms.signer("alias/sign-in")
    assert kms.loaded("alias/sign-in") is None


def failures(cause: str) -> float:
    return REGISTRY.get_sample_value("accounts_kms_failures_total", {"cause": cause}) or 0.0


@pytest.mark.django_db
@pytest.mark.parametrize("cause", [*FAULTS, "WrongKeySpec"])
def test_a_fault_is_503_and_uses_nothing_up(
    api: APIClient, owner: User, fake: FakeKms, cause: str, caplog: pytest.LogCaptureFixture
) -> None:
    body = {"email": owner.email, "password": PASSWORD}
    pair = api.post("/api/auth/login", body).json()
    events = AuditEvent.objects.count()
    before = failures(cause)
    if cause == "WrongKeySpec":
        kms.forget()
        fake.spec["KeyUsage"] = "ENCRYPT_DECRYPT"
    else:
        fake.fault = FAULTS[cause]
    with caplog.at_level(logging.ERROR):
        refused = api.post("/api/auth/refresh", {"refresh": pair["refresh"]})

    assert (refused.status_code, refused.json()["code"]) == (503, "signing_unavailable")
    assert refused["Retry-After"] == str(refused.json()["retry_after"]) == "5"
    assert failures(cause) == before + 1
    assert [one.cause for one in caplog.records if one.message == "kms_failed"] == [cause]  # type: ignore[attr-defined]
    assert cause not in refused.content.decode()
    assert Session.objects.get().generation == 0
    assert RefreshToken.objects.get().rotated_at is None
    assert AuditEvent.objects.count() == events

    login = api.post("/api/auth/login", body)
    assert (login.status_code, login.json()["code"]) == (503, "signing_unavailable")
    assert Session.objects.count() == 1
    assert not GuessCounter.objects.filter(count__gt=0).exists()

    fake.fault, fake.spec["KeyUsage"] = None, "SIGN_VERIFY"
    assert api.post("/api/auth/refresh", {"refresh": pair["refresh"]}).status_code == 200


@pytest.mark.django_db
def test_tokens_verify_and_the_key_set_answers_while_kms_is_away(api: APIClient, owner: User, fake: FakeKms) -> None:
    keys.ensure(by=OPERATOR)
    access = api.post("/api/auth/login", {"email": owner.email, "password": PASSWORD}).json()["access"]
    fake.fault = FAULTS["ConnectTimeoutError"]
    kms.forget()  # a process that has just started
    ring.forget()
    calls = len(fake.calls)

    assert api.get(ME, HTTP_AUTHORIZATION=f"Bearer {access}").status_code == 200
    assert len(api.get("/api/auth/jwks.json").json()["keys"]) == 1
    assert len(fake.calls) == calls
    keys.warm_up()
    assert len(fake.calls) == calls + 1


@pytest.mark.django_db
def test_without_any_known_key_the_key_set_is_503(api: APIClient, fake: FakeKms) -> None:
    fake.fault = FAULTS["AccessDeniedException"]

    refused = api.get("/api/auth/jwks.json")
    assert (refused.status_code, refused.json()["code"], refused["Retry-After"]) == (503, "signing_unavailable", "5")
    assert keys.check().status == "down"

    fake.fault = None
    keys.warm_up()
    assert len(api.get("/api/auth/jwks.json").json()["keys"]) == 1
    assert keys.check().status == "ok"


@pytest.mark.django_db(transaction=True)
def test_no_lock_is_held_while_kms_signs(fake: FakeKms) -> None:
    owner = factories.make_user("owner@example.com")
    client = APIClient()
    pair = client.post("/api/auth/login", {"email": owner.email, "password": PASSWORD}, format="json").json()
    held: list[bool] = []
    sign = fake.sign
    fake.sign = lambda **arguments: held.append(connection.in_atomic_block) or sign(**arguments)  # type: ignore[func-returns-value,method-assign]

    answer = client.post("/api/auth/refresh", {"refresh": pair["refresh"]}, format="json")

    assert answer.status_code == 200
    assert held == [False]


@pytest.mark.django_db
def test_release_records_the_public_half_once(fake: FakeKms) -> None:
    row = keys.ensure(by=OPERATOR)

    assert row is not None
    assert (row.kid, row.private_ciphertext) == (kms.signer("alias/sign-in").kid, None)
    assert keys.ensure(by=OPERATOR) is None
    assert SigningKey.objects.count() == 1
    assert AuditEvent.objects.filter(action="signing_key.published").count() == 1
