"""Stripe's units and limits by currency: https://docs.stripe.com/currencies."""

from decimal import Decimal

from common.money import exponent

AMOUNT_MAX = 99_999_999

# What Stripe charges in, from its API description of the locked version.
_CODES = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CLP CNY COP
CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR ISK JMD JOD
JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN
NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLE SOS SRD STD SZL THB
TJS TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW
"""
CHARGED = frozenset(_CODES.split())

# The smallest charge in Stripe's own units; where a currency is absent, Stripe's answer decides.
MINIMUMS = {
    **dict.fromkeys(("USD", "EUR", "CAD", "AUD", "CHF", "SGD", "NZD", "INR", "BRL", "JPY"), 50),
    **dict.fromkeys(("PLN", "RON", "AED", "MYR"), 200),
    **dict.fromkeys(("SEK", "NOK"), 300),
    "GBP": 30,
    "DKK": 250,
    "HKD": 400,
    "MXN": 1000,
    "CZK": 1500,
    "THB": 1000,
    "HUF": 17_500,
}

ZERO_DECIMAL = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"}
)
# ISK and UGX are not among them: Stripe writes two decimals for old times' sake and charges whole units only, which are
# all that our minor units of them know.
THREE_DECIMAL = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
THREE_DECIMAL_STEP = 10


def places(currency: str) -> int:
    """How many decimals Stripe writes."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def to_stripe(amount: int, currency: str) -> int | None:
    """Our minor units in Stripe's, or None when Stripe cannot charge exactly that; never rounded."""
    shift = places(currency) - exponent(currency)
    if shift >= 0:
        converted = amount * 10**shift
    elif amount % 10**-shift:
        return None
    else:
        converted = amount // 10**-shift
    return None if currency in THREE_DECIMAL and converted % THREE_DECIMAL_STEP else converted


def from_stripe(amount: int, currency: str) -> tuple[int, Decimal]:
    """Stripe's units in our minor units: the whole ones, and what is left beyond them, which has the same sign.

    Only ISK and UGX can leave something, where a fee is a part of a whole unit.
    """
    exact = Decimal(amount).scaleb(exponent(currency) - places(currency))
    return int(exact), exact - int(exact)


def refusal(amount: int, currency: str) -> str:
    """The problem code of an amount that our table already refuses, or an empty text."""
    if currency not in CHARGED:
        return "currency_not_supported"
    converted = to_stripe(amount, currency)
    if converted is None:
        return "amount_not_representable"
    if converted > AMOUNT_MAX:
        return "amount_too_large"
    return "amount_too_small" if converted < MINIMUMS.get(currency, 1) else ""
