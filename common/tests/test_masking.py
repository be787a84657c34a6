"""No secret stays in a log, an audit row or a staff page, under whatever name or in whatever text."""

import json

import pytest

from common.masking import CHANGED_PERSONAL, MASK, mask, mask_texts, masked

TOKEN = "A1b2-_" * 7
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
PEM = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\nCANARY\n-----END PRIVATE KEY-----"
CANARIES = {
    "refresh token": (f"rt_{TOKEN}", TOKEN),
    "challenge token": (f"ch_{TOKEN}", TOKEN),
    "enrolment token": (f"en_{TOKEN}", TOKEN),
    "invitation token": (f"iv_{TOKEN}", TOKEN),
    "reset token": (f"pr_{TOKEN}", TOKEN),
    "booking token": (f"bk_{TOKEN}", TOKEN),
    "preview token": (f"pv_{TOKEN}", TOKEN),
    "stripe key": ("sk_live_51abcdefghijkl", "51abcdefghijkl"),
    "stripe restricted key": ("rk_test_51abcdefghijkl", "51abcdefghijkl"),
    "webhook secret": ("whsec_abcdefghijklmnop", "abcdefghijklmnop"),
    "client secret": ("pi_3Abc_secret_0123456789", "0123456789"),
    "setup secret": ("seti_1Abc_secret_0123456789", "0123456789"),
    "presigned S3": ("https://s3.example/a?X-Amz-Credential=canary1&X-Amz-Signature=canary2&x=1", "canary"),
    "presigned local": ("https://api.example.com/uploads/get/canary-order:sig?x=1", "canary"),
    "token in a link": ("https://example.com/reset#token=canary", "canary"),
    "preview": ("/api/blogs/x?preview=canary", "canary"),
    "booking page": ("GET /b/canary-token HTTP/1.1", "canary"),
    "calendar": ("GET /calendar/canary.ics", "canary"),
    "one-time code": ("challenge verified with code=123456", "123456"),
    "backup code": ("code=ABCD-EFGH-JKLM", "EFGH"),
    "PEM": (PEM, "CANARY"),
    "torn PEM": (PEM[:70], "MIGHAgEA"),
    "JWT": (f"got {JWT} here", "eyJ"),
    "bearer": (f"Authorization: Bearer {JWT}", "eyJ"),
    "basic": ("Authorization: Basic Y2FuYXJ5OmNhbmFyeQ==", "Y2FuYXJ5"),
    "password in a form": ("email=a@b.c&password=canary&next=/", "canary"),
    "password in JSON": ('{"email": "a@b.c", "password": "canary"}', "canary"),
    "authenticator link": ("otpauth://totp/x?secret=CANARYBASE32&issuer=y", "CANARYBASE32"),
    "address with a password": ("postgres://studio:canary@db.example:5432/x", "canary"),
}


@pytest.mark.parametrize(("text", "secret"), CANARIES.values(), ids=CANARIES)
def test_a_canary_survives_in_no_text(text, secret):
    found = mask(f"before {text} after")
    assert secret not in found
    assert MASK in found
    assert found.startswith("before ")
    assert secret not in json.dumps(masked({"note": [text], "more": {"inner": text}}))
    assert secret not in json.dumps(mask_texts({"event": text, "more": {"inner": [text]}}))


@pytest.mark.parametrize(
    "name", ["password", "new_password", "refresh_token", "otp", "secret", "api_key", "client_secret", "backup_codes"]
)
def test_by_name(name):
    assert masked({name: "hunter2"}) == {name: MASK}
    assert masked({name: ["hunter2"]}) == {name: MASK}
    assert masked({"inner": {name: "hunter2"}}) == {"inner": {name: MASK}}


def test_a_code_is_masked_where_it_opens_something_and_kept_where_it_names_an_error():
    assert masked({"code": "123456", "codes": ["ABCD-EFGH-JKLM"]}) == {"code": MASK, "codes": MASK}
    assert masked({"code": "code_invalid", "error_code": "card_declined"}) == {
        "code": "code_invalid",
        "error_code": "card_declined",
    }


def test_counters_flags_and_absences_stay():
    kept = {"token_version": 3, "secret": None, "has_password": True}
    assert masked(kept) == kept


@pytest.mark.parametrize(
    "text",
    [
        "pi_3MtwBwLkdIwHu7ix28a3tqPa",
        "A plain sentence about passwords.",
        "status_code=200 encode=utf-8",
        "/api/blogs/shipping-on-fridays?page=2",
        "https://api.example.com/docs/errors/not_found",
        "019ab3c4-5d6e-7f80-8a91-b2c3d4e5f607",
        "card_declined",
    ],
)
def test_what_is_no_secret_stays(text):
    assert mask(text) == text


def test_what_kind_of_thing_stood_there_is_still_seen():
    assert mask(f"rt_{TOKEN}") == f"rt_{MASK}"
    assert mask("https://s3.example/a?X-Amz-Signature=abc&x=1") == f"https://s3.example/a?X-Amz-Signature={MASK}&x=1"
    assert mask("postgres://studio:canary@db.example/x") == f"postgres://studio:{MASK}@db.example/x"


def test_what_postgresql_cannot_hold_is_replaced():
    assert masked({"a\x00": "b\x00", "c": "\ud800"}) == {"a\ufffd": "b\ufffd", "c": "?"}


def test_a_secret_in_a_name_is_masked_too():
    assert masked({f"rt_{TOKEN}": 1}) == {f"rt_{MASK}": 1}


def test_bytes_are_never_kept_and_other_values_become_text():
    assert masked({"raw": b"x", "n": 1.5, "set": {"a"}}) == {"raw": MASK, "n": 1.5, "set": ["a"]}
    assert mask_texts({"n": 1.5, "set": {"a"}}) == {"n": 1.5, "set": ["a"]}


def test_personal_fields_keep_only_that_they_were_there():
    found = masked({"email": "a@b.c", "phone": None}, personal={"email", "phone"})
    assert found == {"email": CHANGED_PERSONAL, "phone": None}


def test_hidden_names_are_masked_where_they_hold_something():
    assert masked({"name": "Ana", "phone": "", "inner": {"name": "Ana"}}, hidden={"name", "phone"}) == {
        "name": MASK,
        "phone": "",
        "inner": {"name": MASK},
    }
