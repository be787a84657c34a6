"""What a booking costs, from its offer. Pure."""

from common.money import round_up_to_unit

_ALL_PERCENT = 100


def deposit(price: int, *, percent: int, currency: str) -> int:
    """The deposit in minor units: the percentage, rounded up to a whole unit, never above the price."""
    exact = -(-price * percent // _ALL_PERCENT)
    return min(price, round_up_to_unit(exact, currency))
