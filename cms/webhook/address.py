"""Where a webhook may be sent: never into a private network, whatever a name resolves to (SSRF)."""

import socket
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from django.conf import settings

HTTP, HTTPS = 80, 443
_TRANSLATED = (IPv6Network("::/96"), IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


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
    if isinstance(address, IPv6Address) and (address.is_site_local or _carries_ipv4(address)):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _carries_ipv4(address: IPv6Address) -> bool:
    """Whether an IPv6 address stands for an IPv4 one, to which a gateway on our way might lead."""
    translated = any(address in network for network in _TRANSLATED)
    return translated or bool(address.ipv4_mapped or address.sixtofour or address.teredo)


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
