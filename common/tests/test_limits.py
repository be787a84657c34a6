"""Volume limits: the rate, whole seconds to wait, and what happens when the store is away."""

import pytest
from django.core.cache import caches

from common import limits
from common.errors import LimiterUnavailable, RateLimited
from config.rates import DEFAULTS, Rate, parse

pytestmark = pytest.mark.django_db


@pytest.fixture
def rate(settings):
    settings.RATES = {**settings.RATES, "PUBLIC_WRITE": Rate(3, 60)}
    caches["limits"].clear()


@pytest.fixture
def broken_store(monkeypatch, rate):
    def away(*args, **kwargs):
        raise ConnectionError("away")

    monkeypatch.setattr(limits, "_usage", away)
    limits._emergency.clear()


def test_the_fourth_hit_of_three_is_refused_with_whole_seconds(rate):
    for _ in range(3):
        limits.hit("PUBLIC_WRITE", key="1.2.3.4")
    with pytest.raises(RateLimited) as refusal:
        limits.hit("PUBLIC_WRITE", key="1.2.3.4")
    assert 1 <= int(refusal.value.headers["Retry-After"]) <= 60
    assert refusal.value.members["retry_after"] == int(refusal.value.headers["Retry-After"])
    assert refusal.value.headers["RateLimit-Policy"] == '"public_write";q=3;w=60'
    limits.hit("PUBLIC_WRITE", key="1.2.3.5")


def test_the_factor_widens_every_rate(rate, settings):
    settings.RATE_LIMIT_FACTOR = 2
    for _ in range(6):
        limits.hit("PUBLIC_WRITE", key="k")
    with pytest.raises(RateLimited):
        limits.hit("PUBLIC_WRITE", key="k")


def test_failures_alone_are_counted_when_asked(rate):
    for _ in range(10):
        limits.blocked("PUBLIC_WRITE", key="k")
    for _ in range(3):
        limits.fail("PUBLIC_WRITE", key="k")
    with pytest.raises(RateLimited):
        limits.blocked("PUBLIC_WRITE", key="k")


def test_without_a_rate_nothing_is_limited_or_counted(django_assert_num_queries):
    with django_assert_num_queries(0):
        for _ in range(50):
            limits.hit("READ", key="k")


def test_an_open_limit_lets_go_on_when_the_store_is_away(broken_store, caplog):
    limits._last_warning.clear()
    for _ in range(20):
        limits.hit("PUBLIC_WRITE", key="k")
    assert [one.message for one in caplog.records] == ["limit_store_unavailable"]


def test_a_closed_limit_has_five_a_minute_when_the_store_is_away(broken_store):
    for _ in range(5):
        limits.hit("PUBLIC_WRITE", key="k", closed=True)
    with pytest.raises(LimiterUnavailable) as refusal:
        limits.hit("PUBLIC_WRITE", key="k", closed=True)
    assert refusal.value.headers["Retry-After"] == "5"


def test_rates_are_parsed_or_refused():
    assert parse("X", "10/15m") == Rate(10, 900)
    assert parse("X", "100/d") == Rate(100, 86400)
    assert parse("X", "") is None
    for wrong in ("0/m", "10", "10/w", "-1/m", "10 / m"):
        with pytest.raises(Exception, match="RATE_X"):
            parse("X", wrong)
    assert all(parse(name, value) or value == "" for name, value in DEFAULTS.items())
