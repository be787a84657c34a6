"""Amounts that Stripe takes, by currency: https://docs.stripe.com/currencies."""

import re

from devkit.stripe.errors import ApiError

AMOUNT_MAX = 99_999_999
MINIMUM_DEFAULT = 50
"""For currencies without a row below: a stand-in for Stripe's rule, the equivalent of 0.50 USD."""

MINIMUMS = {
    "gbp": 30, "sek": 300, "nok": 300, "dkk": 250, "mxn": 1000, "hkd": 400, "huf": 17_500, "pln": 200, "ron": 200,
    "aed": 200, "myr": 200, "czk": 1500, "thb": 1000,
}  # fmt: skip

STEPS = {"isk": 100, "ugx": 100, "bhd": 10, "jod": 10, "kwd": 10, "omr": 10, "tnd": 10}
"""Currencies of which only multiples of so many minor units can be charged."""

SUPPORTED = frozenset(
    [
        "usd",
        "aed",
        "afn",
        "all",
        "amd",
        "ang",
        "aoa",
        "ars",
        "aud",
        "awg",
        "azn",
        "bam",
        "bbd",
        "bdt",
        "bhd",
        "bif",
        "bmd",
        "bnd",
        "bob",
        "brl",
        "bsd",
        "bwp",
        "byn",
        "bzd",
        "cad",
        "cdf",
        "chf",
        "clp",
        "cny",
        "cop",
        "crc",
        "cve",
        "czk",
        "djf",
        "dkk",
        "dop",
        "dzd",
        "egp",
        "etb",
        "eur",
        "fjd",
        "fkp",
        "gbp",
        "gel",
        "gip",
        "gmd",
        "gnf",
        "gtq",
        "gyd",
        "hkd",
        "hnl",
        "htg",
        "huf",
        "idr",
        "ils",
        "inr",
        "isk",
        "jmd",
        "jod",
        "jpy",
        "kes",
        "kgs",
        "khr",
        "kmf",
        "krw",
        "kwd",
        "kyd",
        "kzt",
        "lak",
        "lbp",
        "lkr",
        "lrd",
        "lsl",
        "mad",
        "mdl",
        "mga",
        "mkd",
        "mmk",
        "mnt",
        "mop",
        "mur",
        "mvr",
        "mwk",
        "mxn",
        "myr",
        "mzn",
        "nad",
        "ngn",
        "nio",
        "nok",
        "npr",
        "nzd",
        "omr",
        "pab",
        "pen",
        "pgk",
        "php",
        "pkr",
        "pln",
        "pyg",
        "qar",
        "ron",
        "rsd",
        "rub",
        "rwf",
        "sar",
        "sbd",
        "scr",
        "sek",
        "sgd",
        "shp",
        "sle",
        "sos",
        "srd",
        "std",
        "szl",
        "thb",
        "tjs",
        "tnd",
        "top",
        "try",
        "ttd",
        "twd",
        "tzs",
        "uah",
        "ugx",
        "uyu",
        "uzs",
        "vnd",
        "vuv",
        "wst",
        "xaf",
        "xcd",
        "xcg",
        "xof",
        "xpf",
        "yer",
        "zar",
        "zmw",
    ]
)


def currency(value: object, name: str) -> str:
    """Read a currency parameter: a supported three-letter code, in any case; lower case is stored."""
    code = str(value).lower()
    if not re.fullmatch("[a-z]{3}", code) or code not in SUPPORTED:
        raise ApiError(
            f"Invalid currency: {code}. Stripe currently supports these currencies: {', '.join(sorted(SUPPORTED))}",
            param=name,
        )
    return code


def check_amount(amount: int, code: str) -> None:
    """Refuse an amount that is too small, too large or not chargeable in ``code``."""
    if amount > AMOUNT_MAX:
        message = f"Amount must be no more than {AMOUNT_MAX} {code}"
        raise ApiError(message, code="amount_too_large", param="amount")
    minimum = MINIMUMS.get(code, MINIMUM_DEFAULT)
    if amount < minimum:
        message = f"Amount must be at least {minimum} {code}"
        raise ApiError(message, code="amount_too_small", param="amount")
    if amount % STEPS.get(code, 1):
        message = f"Invalid amount: {code} amounts must be multiples of {STEPS[code]}."
        raise ApiError(message, code="parameter_invalid_integer", param="amount")
