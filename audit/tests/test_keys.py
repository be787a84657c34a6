"""Keys: from the environment, or one that this back end makes for itself."""

import pytest

from audit import keys
from audit.actions import keys as actions
from audit.actions import rekey
from audit.models import AuditEvent, AuditSeal, AuditSigningKey
from audit.signatures import Signer, is_valid, key_id
from audit.tests.factories import rows, seal_all, sql
from audit.verification import Scope, run
from common.actor import Actor
from config import secret_values

pytestmark = pytest.mark.django_db(transaction=True)
BY = Actor.operator()
OLD, NEW = (secret_values.keys("AUDIT_SIGNING_KEY", letter * 40)[0] for letter in "on")


def seal():
    rows(1)
    made = seal_all()
    assert made is not None
    return made


def test_ed25519_as_rfc_8032_has_it():
    """Section 7.1, the second test."""
    signer = Signer(bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
    public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    signature = (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert signer.public_key.hex() == public
    assert signer.sign(b"\x72").hex() == signature
    assert is_valid(signer.public_key, bytes.fromhex(signature), b"\x72")
    assert not is_valid(signer.public_key, bytes.fromhex(signature), b"\x73")
    assert not is_valid(b"short", bytes.fromhex(signature), b"\x72")
    assert not is_valid(signer.public_key, b"short", b"\x72")


def test_without_the_variable_a_key_is_made_once_and_sealed():
    first, second = actions.ensure(by=BY), actions.ensure(by=BY)
    assert first == second
    row = AuditSigningKey.objects.get()
    assert (row.key_id, bytes(row.public_key)) == (key_id(first.public_key), first.public_key)
    assert first.seed not in bytes(row.private_ciphertext)
    assert keys.unseal(row) == first
    assert AuditEvent.objects.get().action == "audit.key_kept"
    dump = sql("SELECT string_agg(e::text, '') FROM audit_event e")[0][0]
    assert first.seed.hex() not in dump


def test_the_variable_comes_first_and_its_private_half_is_stored_nowhere(settings):
    seal()
    settings.AUDIT_SIGNING_KEYS = [NEW]
    assert seal().key_id == Signer(NEW).key_id
    row = AuditSigningKey.objects.get(key_id=Signer(NEW).key_id)
    assert (bytes(row.public_key), row.private_ciphertext) == (Signer(NEW).public_key, None)
    assert run(Scope()).is_clean


def test_a_rotation_keeps_old_seals_verifiable(settings):
    settings.AUDIT_SIGNING_KEYS = [OLD]
    assert seal().key_id == Signer(OLD).key_id
    settings.AUDIT_SIGNING_KEYS = [NEW, OLD]
    assert seal().key_id == Signer(NEW).key_id
    assert run(Scope()).is_clean
    settings.AUDIT_SIGNING_KEYS = [NEW]  # the old one is gone from the environment
    assert run(Scope()).is_clean
    settings.AUDIT_SIGNING_KEYS = [OLD]
    words = f"the newest seal is signed with the key {Signer(NEW).key_id}, which is none of ours."
    assert [fault.what for fault in run(Scope()).faults] == [words]


def test_a_key_row_that_lies_about_its_name_verifies_nothing(settings):
    seal()
    real = AuditSeal.objects.get().key_id
    strange = Signer(OLD)
    sql("INSERT INTO audit_signing_key (key_id, public_key) VALUES ('feedfacefeedface', %s)", strange.public_key)
    assert set(keys.public_keys()) == {real}


def test_rekey_seals_the_private_halves_under_the_newest_field_key(settings):
    signer = actions.ensure(by=BY)
    old = settings.FIELD_KEYS
    settings.FIELD_KEYS = [b"n" * 32, *old]
    assert rekey(by=BY) == (1, 0)
    assert rekey(by=BY) == (0, 0)
    assert AuditEvent.objects.filter(action="audit.rekeyed", actor_kind="operator").count() == 1
    settings.FIELD_KEYS = [b"n" * 32]
    assert keys.signer() == signer
    settings.FIELD_KEYS = old  # without the new one nothing opens it
    assert keys.signer() is None
    assert rekey(by=BY) == (0, 1)


def test_a_key_of_another_row_opens_nothing(settings):
    first = actions.ensure(by=BY)
    sealed = AuditSigningKey.objects.get().private_ciphertext
    other = Signer(OLD)
    made = AuditSigningKey.objects.create(
        key_id=other.key_id, public_key=other.public_key, private_ciphertext=bytes(sealed)
    )
    assert keys.unseal(made) is None
    assert keys.ours() == {first.key_id}


@pytest.mark.parametrize("value", ["short", f"{'x' * 40},short"])
def test_a_weak_variable_ends_the_start(value):
    with pytest.raises(Exception, match="AUDIT_SIGNING_KEY holds a value of under 32 characters"):
        secret_values.keys("AUDIT_SIGNING_KEY", value)
