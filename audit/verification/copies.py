"""The seals of an exported file against those of the database: what its owner rewrote as a whole is found only so."""

import json
from collections.abc import Iterator
from pathlib import Path

from audit.models import AuditSeal
from audit.verification.report import Fault


def compare(path: Path) -> Iterator[Fault]:
    """Name each seal of the file that the database lacks or holds otherwise. Raises OSError, ValueError."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            kept = json.loads(line)
            if kept.get("type") != "seal":
                continue
            seal = AuditSeal.objects.filter(n=kept["n"]).first()
            if seal is None:
                yield Fault(f"seal {kept['n']}", "the copy holds it and the database does not: it was deleted.")
            elif seal.seal_hash.hex() != kept["seal_hash"]:
                yield Fault(f"seal {kept['n']}", "the copy holds another one: the log was rebuilt.")
