"""What is left of a file name."""

import pytest

from common.errors import ValidationFailed
from uploads.names import cleaned


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("holiday.png", "holiday.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\plan.pdf", "plan.pdf"),
        ("a\x00b.png", "ab.png"),
        ("invoice\u202egnp.exe", "invoicegnp.exe"),
        ("a\r\nSet-Cookie: x.png", "aSet-Cookie: x.png"),
        ("cafe\u0301.png", "caf\u00e9.png"),
        ("  .hidden.png ", "hidden.png"),
        ("folder/", "folder"),
        ("x" * 300 + ".png", "x" * 176 + ".png"),
        ("x" * 300, "x" * 180),
    ],
)
def test_names_are_cleaned(raw: str, name: str) -> None:
    assert cleaned(raw) == name


@pytest.mark.parametrize("raw", ["", "..", "/", "\u202e", "\x00"])
def test_a_name_of_nothing_is_refused(raw: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        cleaned(raw)
    assert [error.pointer for error in caught.value.errors] == ["#/filename"]
