"""Ids, money, tokens, encryption, addresses: the small things that everything stands on."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import RequestFactory

from common import client_ip, clock, crypto, durations, ids, links, money, tokens
from common.actor import Actor


def test_uuid7_is_ordered_and_versioned():
    made = [ids.uuid7() for _ in range(5000)]
    assert made == sorted(made)
    assert len(set(made)) == 5000
    assert {(one.version, one.variant) for one in made} == {(7, uuid.RFC_4122)}


def test_uuid7_carries_the_present_millisecond():
    stamp = ids.uuid7().int >> 80
    assert abs(stamp / 1000 - datetime.now(UTC).timestamp()) < 5


@pytest.mark.django_db
def test_db_now_is_aware_and_moves_only_in_a_block():
    before = clock.db_now()
    with clock.shift(3600):
        assert timedelta(minutes=59) < clock.db_now() - before < timedelta(minutes=61)
    assert clock.db_now() - before < timedelta(minutes=1)
    assert before.tzinfo is not None


def test_clock_cannot_be_shifted_outside_tests(settings):
    settings.TESTING = False
    with pytest.raises(RuntimeError, match="only in tests"), clock.shift(1):
        pass


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [(250000, "KES", "KES 2,500.00"), (500, "JPY", "JPY 500"), (5124, "KWD", "KWD 5.124"), (-5, "USD", "USD -0.05")],
)
def test_money_is_written_for_people(amount, currency, text):
    assert money.format_money(amount, currency) == text


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [(75001, "KES", 75100), (75000, "KES", 75000), (1, "JPY", 1), (1, "KWD", 1000), (0, "USD", 0)],
)
def test_round_up_to_a_whole_unit(amount, currency, rounded):
    assert money.round_up_to_unit(amount, currency) == rounded


def test_tokens_are_separated_by_kind_and_pepper(settings):
    raw = tokens.issue("rt_")
    assert raw.startswith("rt_")
    assert len(raw) == 3 + 43
    assert tokens.digest("refresh", raw).hash != tokens.digest("invite", raw).hash
    old = tokens.digest("refresh", raw)
    settings.REFRESH_PEPPERS = [b"n" * 32, *settings.REFRESH_PEPPERS]
    assert tokens.digest("refresh", raw) != old
    assert old in tokens.candidates("refresh", raw)
    assert tokens.pepper(old.pepper_id) == settings.REFRESH_PEPPERS[1]


def test_derived_values_depend_on_every_part_and_its_borders(settings):
    assert tokens.derive("booking", b"ab", "c") != tokens.derive("booking", b"a", "bc")
    old = tokens.derive("booking", b"ab")
    settings.FIELD_KEYS = [b"k" * 32, *settings.FIELD_KEYS]
    assert tokens.derive("booking", b"ab") != old
    assert old in tokens.derived_candidates("booking", b"ab")


def test_encryption_is_bound_to_its_place_and_survives_rotation(settings):
    sealed = crypto.encrypt(b"JBSWY3DP", aad="accounts.Factor.secret:1")
    assert b"JBSWY3DP" not in sealed
    settings.FIELD_KEYS = [b"k" * 32, *settings.FIELD_KEYS]
    assert crypto.decrypt(sealed, aad="accounts.Factor.secret:1") == b"JBSWY3DP"
    with pytest.raises(crypto.DecryptionFailed):
        crypto.decrypt(sealed, aad="accounts.Factor.secret:2")
    with pytest.raises(crypto.DecryptionFailed):
        crypto.decrypt(sealed[:-1] + bytes([sealed[-1] ^ 1]), aad="accounts.Factor.secret:1")
    settings.FIELD_KEYS = [b"k" * 32]
    with pytest.raises(crypto.DecryptionFailed):
        crypto.decrypt(sealed, aad="accounts.Factor.secret:1")


@pytest.mark.parametrize(
    ("hops", "forwarded", "expected"),
    [
        (0, "6.6.6.6", "10.0.0.9"),
        (1, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (2, "6.6.6.6, 1.2.3.4, 10.0.0.1", "1.2.3.4"),
        (3, "1.2.3.4, 10.0.0.1", "1.2.3.4"),
        (1, "1.2.3.4:5678", "1.2.3.4"),
        (1, "[2001:db8::1]:443", "2001:db8::1"),
        (1, "fe80::1%eth0", "fe80::1"),
        (1, "garbage", "10.0.0.9"),
        (1, ", " * 1000 + "1.2.3.4", "1.2.3.4"),
        (1, "::ffff:1.2.3.4", "1.2.3.4"),
        (1, "", "10.0.0.9"),
    ],
)
def test_client_address_is_counted_from_the_right(settings, hops, forwarded, expected):
    settings.PROXY_HOPS = hops
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.9", HTTP_X_FORWARDED_FOR=forwarded)
    assert client_ip.client_ip(request) == expected


def test_a_unix_socket_has_an_address_too():
    assert client_ip.client_ip(RequestFactory().get("/", REMOTE_ADDR="")) == "0.0.0.0"


def test_ipv6_counts_by_its_64():
    assert client_ip.bucket("2001:db8:1:2:aaaa::1") == client_ip.bucket("2001:db8:1:2:bbbb::2") == "2001:db8:1:2::"
    assert client_ip.bucket("1.2.3.4") == "1.2.3.4"


def test_links_go_to_the_front_end_when_there_is_one(settings):
    assert links.page_url("accept", token="iv_a/b") == "http://testserver/auth/invite/iv_a%2Fb"
    settings.FRONTEND_URL = "https://example.com"
    assert links.page_url("accept", token="iv_a") == "https://example.com/invite#token=iv_a"
    assert links.page_url("booking", token="bk_x", id="1") == "https://example.com/bookings/1#token=bk_x"


@pytest.mark.django_db
def test_the_database_is_postgresql_15_or_newer():
    assert connection.pg_version >= 150000


@pytest.mark.parametrize(
    ("minutes", "text"), [(45, "45 minutes"), (60, "1 hour"), (240, "4 hours"), (61, "1 h 1 min"), (90, "1 h 30 min")]
)
def test_lengths_in_words(minutes, text):
    assert durations.in_words(minutes) == text


def test_an_actor_in_one_text_fits_every_column():
    assert Actor.customer(id="7", label="Ana").ref == "customer:7"
    assert Actor.provider("x" * 200).ref == f"provider:{'x' * 71}"
