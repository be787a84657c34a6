"""The closed list of audit events. Each app's `events.py` registers its names; `audit` refuses others."""

from collections.abc import Mapping

registry: dict[str, str] = {}
_owners: dict[str, str] = {}


def register(app: str, names: Mapping[str, str]) -> None:
    """Register dotted event names with what each means, in words for the admin."""
    for name, meaning in names.items():
        if _owners.setdefault(name, app) != app:
            raise ValueError(f"Audit event {name!r} already belongs to {_owners[name]}.")
        registry[name] = meaning
