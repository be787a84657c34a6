"""Marks of personal fields: what happens to each when a person is erased, and what audit must not keep values of."""

ERASE, PSEUDONYMISE, KEEP_UNTIL = "erase", "pseudonymise", "keep_until"
MARKS = frozenset({ERASE, PSEUDONYMISE, KEEP_UNTIL})
registry: dict[str, dict[str, str]] = {}


def mark(model: str, **fields: str) -> None:
    """Mark fields of `app.Model` as personal; each value is erase, pseudonymise or keep_until."""
    unknown = set(fields.values()) - MARKS
    if unknown:
        raise ValueError(f"Unknown privacy marks {sorted(unknown)} on {model}.")
    registry.setdefault(model.lower(), {}).update(fields)


def personal_fields(model: str) -> frozenset[str]:
    """The marked fields of `app.model`."""
    return frozenset(registry.get(model.lower(), {}))
