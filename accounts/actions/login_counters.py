"""How counters and audit name an account that may not exist, and how the count in a row is forgotten."""

from accounts.actions import guesses
from accounts.models import User
from common import tokens
from common.target import Target

IN_A_ROW = "login_in_a_row"


def account_key(*, address: str) -> bytes:
    """The account of a canonical address, whether or not it exists."""
    return tokens.derive("guess-account", address)


def network_key(*, address: str, network: str) -> bytes:
    """The account as seen from one network that it is known to use."""
    return tokens.derive("guess-network", address, network)


def target(*, address: str, user: User | None) -> Target:
    """The user; for an unknown address only its HMAC, so that the log does not collect strangers' addresses."""
    if user is not None:
        return Target.of(user)
    return Target("email", tokens.derive("audit-email", address).hex())


def forget(*, user: User) -> None:
    """Open password sign-in again from everywhere, in the caller's transaction: the user has proven to be one."""
    networks = user.known_networks.values_list("network", flat=True)
    keys = [network_key(address=user.email, network=network) for network in networks]
    guesses.clear(rules=[IN_A_ROW], keys=[account_key(address=user.email), *keys])
