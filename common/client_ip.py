"""The client's address behind PROXY_HOPS proxies, and the network that a limit counts."""

import ipaddress
import logging
from typing import Any

from django.conf import settings

from common import context

logger = logging.getLogger(__name__)
MOST_ENTRIES = 50
IPV6_BUCKET_PREFIX = 64
NOBODY = "0.0.0.0"  # noqa: S104 - a value, not a binding


def _parse(raw: str) -> str | None:
    """The address without port and zone, or None when it is none."""
    text = raw.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def client_ip(request: Any) -> str:
    """The entry of X-Forwarded-For that our outermost proxy wrote: PROXY_HOPS places from the right.

    Fewer entries than hops: the leftmost. 0 hops, or nothing readable: the peer. No peer (a Unix socket): "0.0.0.0".
    """
    peer = _parse(request.META.get("REMOTE_ADDR", "") or "") or NOBODY
    hops: int = settings.PROXY_HOPS
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    if not hops or not forwarded:
        return peer
    entries = forwarded.rsplit(",", MOST_ENTRIES)[-MOST_ENTRIES:]
    found = _parse(entries[-hops] if len(entries) >= hops else entries[0])
    if found is None:
        logger.warning("forwarded_address_unreadable")
    return found or peer


def caller() -> str:
    """The network that sent what is being served now, as limits count it; NOBODY's outside a request."""
    return bucket(context.current().ip or NOBODY)


def bucket(ip: str) -> str:
    """The network that counts as one client: the IPv4 address, or the IPv6 /64."""
    address = ipaddress.ip_address(ip)
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network(f"{ip}/{IPV6_BUCKET_PREFIX}", strict=False).network_address)
