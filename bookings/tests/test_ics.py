"""Calendar files: RFC 5545's letters."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from bookings import ics
from bookings.constants import Status
from bookings.models import Booking


def booking(**values):
    defaults = {
        "id": UUID("019ab3c4-3333-7abc-8def-0123456789ab"),
        "reference": "K7WM2QXR",
        "service_title": "Discovery workshop",
        "customer_name": "Brian Mwangi",
        "starts_at": datetime(2026, 12, 1, 6, tzinfo=UTC),
        "ends_at": datetime(2026, 12, 1, 8, tzinfo=UTC),
        "updated_at": datetime(2026, 11, 22, 9, tzinfo=UTC),
        "status": Status.CONFIRMED,
    }
    return Booking(**(defaults | values))


def unfolded(content: bytes) -> list[str]:
    return content.decode().replace("\r\n ", "").split("\r\n")


def test_the_whole_file():
    assert unfolded(ics.calendar(booking())) == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Studio//Bookings//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        "UID:019ab3c4-3333-7abc-8def-0123456789ab@testserver",
        "SEQUENCE:0",
        "DTSTAMP:20261122T090000Z",
        "DTSTART:20261201T060000Z",
        "DTEND:20261201T080000Z",
        "SUMMARY:Discovery workshop · Studio",
        "DESCRIPTION:K7WM2QXR · Brian Mwangi",
        "URL:http://testserver/bookings/019ab3c4-3333-7abc-8def-0123456789ab",
        "STATUS:CONFIRMED",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


@pytest.mark.parametrize(
    ("status", "method", "word"),
    [
        (Status.HELD, "PUBLISH", "TENTATIVE"),
        (Status.COMPLETED, "PUBLISH", "CONFIRMED"),
        (Status.CANCELLED, "CANCEL", "CANCELLED"),
    ],
)
def test_method_status_and_sequence(status, method, word):
    lines = unfolded(ics.calendar(booking(status=status, sequence=3)))
    assert {f"METHOD:{method}", f"STATUS:{word}", "SEQUENCE:3"} <= set(lines)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a,b;c\\d", "a\\,b\\;c\\\\d"),
        ("two\nlines\r\nBEGIN:VEVENT", "two\\nlines\\nBEGIN:VEVENT"),
        ("bell\x07 and \x00", "bell and "),
        ("محمد بن عبد الله", "محمد بن عبد الله"),
        ("👩🏾‍💻 Zoë", "👩🏾‍💻 Zoë"),
        ("<script>", "<script>"),
    ],
)
def test_names_are_text(name, written):
    assert f"DESCRIPTION:K7WM2QXR · {written}" in unfolded(ics.calendar(booking(customer_name=name)))


def test_no_line_is_longer_than_75_octets_and_no_letter_is_cut():
    content = ics.calendar(booking(customer_name="王" * 200))
    lines = content.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert all(line.decode() for line in lines if line)
    assert f"DESCRIPTION:K7WM2QXR · {'王' * 200}" in unfolded(content)
