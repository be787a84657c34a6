"""Money is a whole number of minor units and an upper-case ISO 4217 code."""

from decimal import Decimal

ZERO_DECIMAL = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"}
)
THREE_DECIMAL = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
LARGEST_AMOUNT = 10**12


def exponent(currency: str) -> int:
    """How many decimal places the currency has (ISO 4217)."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def format_money(amount: int, currency: str) -> str:
    """For people: `KES 2,500.00`, `JPY 500`."""
    places = exponent(currency)
    whole, rest = divmod(abs(amount), 10**places)
    digits = f"{whole:,}" + (f".{rest:0{places}d}" if places else "")
    return f"{currency} {'-' if amount < 0 else ''}{digits}"


def in_units(amount: int, currency: str) -> Decimal:
    """Minor units as people write them: 250000 of KES is 2500.00."""
    return Decimal(amount).scaleb(-exponent(currency))


def in_minor_units(amount: Decimal, currency: str) -> Decimal:
    """The reverse; not a whole number where the currency has no such small part."""
    return amount.scaleb(exponent(currency))


def round_up_to_unit(amount: int, currency: str) -> int:
    """The amount rounded up to a whole unit of the currency, in minor units."""
    unit: int = 10 ** exponent(currency)
    return -(-amount // unit) * unit
