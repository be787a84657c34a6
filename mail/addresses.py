"""One spelling for the addresses that are compared."""

import unicodedata


def canonical(address: str) -> str:
    """Return the form under which an address is kept and looked up: one letter case, the domain in ASCII.

    Unlike the rule for accounts, it refuses nothing: whatever was mailed to has to find its row.
    """
    local, _, domain = unicodedata.normalize("NFKC", address.strip()).casefold().rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:  # no domain that IDNA knows: compared as it was written
        return f"{local}@{domain}"
