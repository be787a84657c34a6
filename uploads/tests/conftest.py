"""Each test of uploads has a store of its own."""

from pathlib import Path
from typing import Any

import pytest

from uploads import ports
from uploads.storage import get_storage
from uploads.storage.local import LocalStorage
from uploads.tests.factories import Bookings


@pytest.fixture(autouse=True)
def store(settings: Any, tmp_path: Path) -> LocalStorage:
    """An empty local store."""
    settings.STORAGE = "local"
    settings.MEDIA_ROOT = tmp_path / "media"
    storage = get_storage()
    assert isinstance(storage, LocalStorage)
    return storage


@pytest.fixture
def bookings(monkeypatch: pytest.MonkeyPatch) -> Bookings:
    """A stand-in of the app above that owns bookings."""
    fake = Bookings()
    monkeypatch.setattr(ports, "_targets", {})
    ports.register_target(
        "booking",
        attach="bookings.change_booking",
        read="bookings.view_booking",
        may_attach=fake.may_attach,
        may_read=fake.may_read,
    )
    return fake
