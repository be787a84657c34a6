"""What every test of the project lives by: no network but this machine.

The servers that tests need come from `devkit.pytest_plugin`, which has to act before Django reads its settings.
"""

import ipaddress
import shutil
import socket
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from rest_framework.test import APIClient

_connect = socket.socket.connect


class NetworkForbiddenError(AssertionError):
    """A test reached for another machine."""


def _is_local(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket
    host = str(address[0])
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in {"", "localhost"}


def _guarded_connect(self: socket.socket, address: Any) -> None:
    if self.type & socket.SOCK_STREAM and not _is_local(address):
        raise NetworkForbiddenError(f"A test reached for {address[0]}.")
    return _connect(self, address)


@pytest.fixture(autouse=True, scope="session")
def _no_network_but_loopback() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _guarded_connect)
        yield


@pytest.fixture(autouse=True, scope="session")
def _leave_no_media_behind() -> Any:
    """A worker of pytest-xdist ends without its exit handlers, so its folder is removed here."""
    yield
    shutil.rmtree(settings.MEDIA_ROOT)


@pytest.fixture(autouse=True, scope="session")
def _forced_logins_count_as_sign_ins() -> Any:
    """`client.force_login(user)` opens the admin as a sign-in at our own door would."""
    from accounts.tests import factories

    forced = Client.force_login

    def force_login(client: Client, user: Any, backend: str | None = None) -> None:
        forced(client, user, backend)
        factories.open_admin(client, user)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "force_login", force_login)
        yield


class JsonClient(APIClient):
    """A client that speaks JSON unless told otherwise."""

    default_format = "json"


@pytest.fixture
def api() -> JsonClient:
    """Return a client of the public API, signed in as nobody."""
    return JsonClient()
