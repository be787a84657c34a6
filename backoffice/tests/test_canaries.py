"""No page of the admin shows a key, a hash or a token: every secret column holds a canary, and every page is read."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django.db.models import BinaryField, Model
from django.test import Client

from accounts.actions import challenges, enrollment, invites, password_resets
from accounts.models import (
    BackupCode,
    EnrollmentToken,
    LoginChallenge,
    PasswordReset,
    RefreshToken,
    SecondFactor,
    SigningKey,
    User,
)
from accounts.tests import doors, factories
from common.actor import Actor
from common.clock import db_now
from jobs.testing import run_due
from mail.models import Message

pytestmark = pytest.mark.django_db
RAW = re.compile(r"\b(?:rt|ch|en|iv|pr)_[A-Za-z0-9_-]{43}")
SECRET_MODELS = (BackupCode, EnrollmentToken, LoginChallenge, PasswordReset, RefreshToken, SecondFactor, SigningKey)
CANARY = "canary"


@pytest.fixture
def house(client: Client) -> tuple[Client, dict[str, str]]:
    """A signed-in Owner, rows of every kind that holds a secret, and what must never be seen."""
    owner = factories.make_user("owner@example.com")
    client.force_login(owner)
    ben = factories.make_user("ben@example.com", held=("Author",))
    factories.sign_in(ben)
    secret, codes = doors.give_factor(ben)
    now = db_now()
    by = Actor.staff(owner)
    seen = {"secret": secret, "code": codes[0], "password": factories.PASSWORD}
    seen["challenge"] = challenges.issue(user=ben, now=now).token
    seen["enrollment"] = enrollment.issue(user=owner, now=now).token
    invites.create(email="new@example.com", roles=["Editor"], by=by)
    with transaction.atomic():
        password_resets.issue(email=ben.email, by=by)
    SigningKey.objects.create(
        kid="key-one", public_jwk={"n": f"{CANARY}-modulus"}, private_ciphertext=f"{CANARY}-private".encode(),
        published_at=now, activates_at=now,
    )  # fmt: skip
    BackupCode.objects.update(code_hash=f"{CANARY}-code")
    User.objects.filter(pk=ben.pk).update(password=f"{CANARY}-password")
    run_due()
    return client, seen


def addresses(client: Client) -> list[str]:
    """Every list, add form and page of a row, every form of a button, and what else the start page leads to."""
    found = ["/admin/", "/admin/signing-keys/", "/auth/account"]
    for model, shown in admin.site._registry.items():
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        found += [base, f"{base}add/"]
        for row in model._default_manager.all()[:5]:
            found.append(f"{base}{row.pk}/change/")
            buttons = getattr(shown, "object_actions", ())
            found += [f"{base}{row.pk}/action/{one.name}/" for one in buttons if one.form or one.reauth]
    return found


def hashes() -> list[str]:
    """The text of every hash and ciphertext that is stored, as a page might print it."""
    found: list[str] = []
    models: list[type[Model]] = [*SECRET_MODELS, Message]
    for model in models:
        columns = [field.attname for field in model._meta.concrete_fields if isinstance(field, BinaryField)]
        for row in model._default_manager.values(*columns) if columns else []:
            raw = [bytes(value) for value in row.values() if value]
            found += [text for one in raw for text in (one.hex(), str(one)[2:-1])]
    return found


def test_no_page_shows_a_secret(house: tuple[Client, dict[str, str]]) -> None:
    client, seen = house
    forbidden = [*seen.values(), *hashes(), f"{CANARY}-"]
    opened = 0
    for address in addresses(client):
        page = client.get(address, follow=True)
        assert page.status_code in {200, 403, 405}, address
        opened += page.status_code == 200
        text = page.content.decode()
        shown = [one for one in forbidden if one and one in text]
        assert shown == [], address
        assert not RAW.search(text), address
    assert opened > 30


def test_the_canaries_would_be_seen() -> None:
    assert RAW.search("x iv_" + "a" * 43)


def test_no_model_with_a_secret_is_registered() -> None:
    registered: set[Any] = set(admin.site._registry)
    assert registered.isdisjoint(SECRET_MODELS)
    assert not [model for model in registered if model._meta.app_label in {"django_otp", "otp_totp", "token_blacklist"}]
