"""The network of an address: what one household or office is taken to be."""

import ipaddress

_PREFIX_BY_VERSION = {4: 24, 6: 48}


def network_of(ip: str) -> str:
    """The /24, or IPv6 /48, that holds the address; an empty string for what is none."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ""
    return str(ipaddress.ip_network(f"{address}/{_PREFIX_BY_VERSION[address.version]}", strict=False))
