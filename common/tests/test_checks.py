"""What the deploy check and `doctor` advise."""

from typing import Any

import pytest

from common import checks


def sentences() -> list[str]:
    return [sentence for applies, sentence in checks.advice() if applies]


@pytest.mark.parametrize(
    ("changes", "start"),
    [
        ({"PRODUCTION": True, "PAYMENTS_MODE": "twin"}, "STRIPE_API_BASE"),
        ({"PRODUCTION": True, "HTTPS": True, "PROXY_HOPS": 0}, "PROXY_HOPS"),
        ({"JWT_KMS_KEY_ID": "alias/sign-in", "JWT_PRIVATE_KEY": "pem"}, "JWT_KMS_KEY_ID signs"),
    ],
)
def test_production_is_told_of_what_would_surprise_it(settings: Any, changes: dict[str, Any], start: str) -> None:
    assert not any(sentence.startswith(start) for sentence in sentences())
    for name, value in changes.items():
        setattr(settings, name, value)
    assert len([sentence for sentence in sentences() if sentence.startswith(start)]) == 1
