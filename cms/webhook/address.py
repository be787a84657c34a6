"""Where a webhook may be sent: never into a private network, whatever a name resolves to (SSRF)."""

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from django.conf import settings

HTTP, HTTPS = 80, 443
# They carry an IPv4 address inside, and a gateway on our way would lead there.
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = IPv6Network("::/96")


class Refused(Exception):
    """The address is not one that we call; the text says why, in words for staff."""


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of a URL that a call needs."""

    secure: bool
    host: str
    port: int
    path: str


def parse(url: str) -> Address:
    """Take a URL apart; raises Refused for one that is not called in this environment, without asking DNS."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as fault:
        raise Refused("This is not an address.") from fault
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment or "@" in parts.netloc:
        raise Refused("Give an https address without a user name and without a #.")
    if settings.PRODUCTION and parts.scheme != "https":
        raise Refused("The address must begin with https://.")
    if not url.isascii():
        raise Refused("Write the address in ASCII: a name of another script in its xn-- form.")
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    found = Address(secure, parts.hostname, port or (HTTPS if secure else HTTP), path)
    literal = _literal(found.host)
    if literal:
        require_public(literal)
    return found


def resolve(address: Address) -> list[str]:
    """Return the host's IP addresses, all of them public outside local and test mode; raises Refused, OSError."""
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    ips = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for ip in ips:
        require_public(ip)
    return ips


def require_public(ip: str) -> None:
    """Raise Refused for an IP address that is not on the public internet, save in local and test mode."""
    if settings.PRODUCTION and not is_public(ip):
        raise Refused("The address leads into a private network.")


def is_public(ip: str) -> bool:
    """Whether an IP address is reachable by everybody: not private, loopback, link-local, shared or multicast."""
    try:
        address = ip_address(ip)
    except ValueError:
        return False
    inner = _inner(address) if isinstance(address, IPv6Address) else []
    return all(one.is_global and not one.is_multicast and not one.is_reserved for one in (address, *inner))


def _inner(address: IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses that an IPv6 address stands for."""
    carried = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in (*_TRANSLATED, _COMPATIBLE)):
        carried.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    return [one for one in carried if one is not None]


def _literal(host: str) -> str:
    """Return the host when it is an IP address, also in the old spellings (127.1, 0x7f000001) that DNS takes."""
    try:
        return str(ip_address(host))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return ""
