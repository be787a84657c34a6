"""No secret enters the log, under whatever name or in whatever text."""

import pytest

from audit.masking import masked

TOKEN = "bk_" + "A1b2-_" * 12
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "name", ["password", "new_password", "refresh_token", "otp", "secret", "api_key", "client_secret"]
)
def test_by_name(name):
    assert masked({name: "hunter2"}) == {name: "••••"}
    assert masked({name: ["hunter2"]}) == {name: "••••"}
    assert masked({"inner": {name: "hunter2"}}) == {"inner": {name: "••••"}}


def test_counters_flags_and_absences_stay():
    kept = {"token_version": 3, "secret": None, "has_password": True}
    assert masked(kept) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"see {TOKEN} there", "see •••• there"),
        (f"Bearer {JWT}", "Bearer ••••"),
        ("sk_live_abcdefghijkl", "••••"),
        ("pi_3Abc_secret_0123456789", "••••"),
        (
            "https://s3.example/a?X-Amz-Signature=abc&x=1",
            "https://s3.example/a?••••&x=1",
        ),
        ("https://example.com/reset#token=abc", "https://example.com/reset#••••"),
        ("pi_3MtwBwLkdIwHu7ix28a3tqPa", "pi_3MtwBwLkdIwHu7ix28a3tqPa"),
        ("A plain sentence about passwords.", "A plain sentence about passwords."),
    ],
)
def test_by_value(text, kept):
    assert masked({"note": text}) == {"note": kept}


def test_bytes_are_never_kept_and_other_values_become_text():
    assert masked({"raw": b"x", "n": 1.5, "set": {"a"}}) == {"raw": "••••", "n": 1.5, "set": ["a"]}


def test_personal_fields_keep_only_that_they_were_there():
    assert masked({"email": "a@b.c", "phone": None}, personal={"email", "phone"}) == {
        "email": "[personal]",
        "phone": None,
    }
