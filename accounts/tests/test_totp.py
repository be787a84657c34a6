"""Codes of the app: RFC 6238's vectors, what counts as a code, and how the secret is kept."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from accounts import totp
from accounts.models import SecondFactor
from accounts.tests.factors import App, colleague
from common.crypto import DecryptionFailed

RFC_SECRET = b"12345678901234567890"
# RFC 6238, Appendix B, SHA-1, eight digits: the last six are what six digits give.
RFC_VECTORS = [
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
]


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("seconds", "eight"), RFC_VECTORS)
def test_the_vectors_of_the_rfc(seconds: int, eight: str) -> None:
    step = seconds // 30
    assert totp.code_of(RFC_SECRET, step) == eight[-6:]
    assert totp.matching_step(RFC_SECRET, eight[-6:], now=at(seconds)) == step


def test_leading_zeros_are_part_of_the_code() -> None:
    seconds = 1111111109  # 081804
    assert totp.matching_step(RFC_SECRET, "081804", now=at(seconds)) is not None
    assert totp.matching_step(RFC_SECRET, "81804", now=at(seconds)) is None


def test_a_code_of_all_zeros_works_where_it_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.totp.oath.TOTP.token", lambda self: 0)
    assert totp.code_of(RFC_SECRET, 1) == "000000"
    assert totp.matching_step(RFC_SECRET, "000000", now=at(59)) == 1


def test_the_present_and_the_previous_step_count_and_no_other() -> None:
    step, now = 1_000_000, at(30_000_015)
    found = [totp.matching_step(RFC_SECRET, totp.code_of(RFC_SECRET, step + away), now=now) for away in range(-3, 4)]
    assert found == [None, None, step - 1, step, None, None, None]


def test_a_step_ends_with_its_thirtieth_second() -> None:
    code = totp.code_of(RFC_SECRET, 1_000_000)
    assert totp.matching_step(RFC_SECRET, code, now=at(29_999_999)) is None
    assert totp.matching_step(RFC_SECRET, code, now=at(30_000_000)) == 1_000_000
    assert totp.matching_step(RFC_SECRET, code, now=at(30_000_059)) == 1_000_000
    assert totp.matching_step(RFC_SECRET, code, now=at(30_000_060)) is None


@pytest.mark.parametrize(
    "written",
    [
        "",
        "28708",
        "2870820",
        "+28708",
        "28_082",
        " 28708",
        "287082\n",
        "287082 ",
        "２８７０８２",
        "٢٨٧٠٨٢",
        "28708a",
        "0x4617a",
    ],
)
def test_only_six_ascii_digits_are_a_code(written: str) -> None:
    assert not totp.well_formed(written)
    assert totp.matching_step(RFC_SECRET, written, now=at(59)) is None


def test_every_step_is_compared_whether_or_not_one_matched(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, str]] = []

    def compare(a: str, b: str) -> bool:
        compared.append((a, b))
        return a == b

    monkeypatch.setattr("accounts.totp.hmac.compare_digest", compare)
    for away in (-1, 0, 5):
        compared.clear()
        totp.matching_step(RFC_SECRET, totp.code_of(RFC_SECRET, 10 + away), now=at(300))
        assert len(compared) == 2


def test_a_secret_has_160_random_bits() -> None:
    secrets = {totp.new_secret() for _ in range(20)}
    assert len(secrets) == 20
    assert {len(secret) for secret in secrets} == {20}


def test_the_uri_is_what_apps_read() -> None:
    uri = totp.uri(RFC_SECRET, account="ana+x@example.com", issuer="Stüdio & Söhne: Bau")
    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/Stüdio & Söhne  Bau:ana+x@example.com"
    assert parse_qs(parts.query) == {
        "secret": ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"],
        "issuer": ["Stüdio & Söhne  Bau"],
        "algorithm": ["SHA1"],
        "digits": ["6"],
        "period": ["30"],
    }


@pytest.mark.django_db
def test_a_sealed_secret_opens_in_its_own_row_only(ana: App) -> None:
    ben = colleague()
    mine, other = SecondFactor.objects.get(user=ana.user), SecondFactor.objects.get(user=ben.user)
    assert totp.opened(mine) == ana.secret
    assert ana.secret not in bytes(mine.secret_ciphertext)
    other.secret_ciphertext = mine.secret_ciphertext
    with pytest.raises(DecryptionFailed):
        totp.opened(other)
