"""Seals: signed statements about which rows the log held at an instant, each naming the one before."""

import hashlib
import json
from typing import Any

from django.contrib.postgres.fields import ArrayField, BigIntegerRangeField
from django.db import models

from audit.constants import HASH_BYTES, KEY_ID_LENGTH
from audit.models.event import Xid8Field
from common.instants import exact

FIRST_PREV = b"\0" * HASH_BYTES
"""What the first seal names as the one before."""


class AuditSeal(models.Model):
    """One seal. Append-only, by triggers.

    `ranges` are the ids of its rows, [first, last + 1) each, with every gap left out; `last_id` is the highest id of
    this and all earlier seals. `digest` is the SHA-256 over the rows' hashes in the order of their ids, `marks` the
    first four bytes of each, so that a changed row can be told from its neighbours. Every transaction below `horizon`
    had ended when the seal was made and none from `ceiling` on had begun; both count in the cluster of that `era`.
    """

    n = models.PositiveBigIntegerField(primary_key=True)
    at = models.DateTimeField()
    ranges = ArrayField(BigIntegerRangeField())
    count = models.PositiveBigIntegerField()
    last_id = models.BigIntegerField()
    era = models.PositiveIntegerField()
    horizon = Xid8Field()
    ceiling = Xid8Field()
    digest = models.BinaryField(max_length=HASH_BYTES)
    marks = models.BinaryField()
    prev_seal_hash = models.BinaryField(max_length=HASH_BYTES)
    key_id = models.CharField(max_length=KEY_ID_LENGTH)
    signature = models.BinaryField(max_length=64)

    class Meta:
        db_table = "audit_seal"
        verbose_name = "audit seal"
        default_permissions = ()
        indexes = [models.Index(fields=["-at"], name="audit_seal_newest")]
        constraints = [models.CheckConstraint(name="audit_seal_from_one", condition=models.Q(n__gte=1))]

    def __str__(self) -> str:
        return f"Seal {self.n}"

    @property
    def statement(self) -> bytes:
        """What is signed: every column but the signature, as JSON without spaces and with sorted names."""
        return json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":")).encode()

    @property
    def seal_hash(self) -> bytes:
        """The SHA-256 of the statement, which the next seal repeats."""
        return hashlib.sha256(self.statement).digest()

    def as_dict(self) -> dict[str, Any]:
        """The statement's members; bytes in hex, ranges as [first, last]."""
        return {
            "n": self.n,
            "at": exact(self.at),
            "ranges": [[one.lower, one.upper - 1] for one in self.ranges],
            "count": self.count,
            "last_id": self.last_id,
            "era": self.era,
            "horizon": self.horizon,
            "ceiling": self.ceiling,
            "digest": bytes(self.digest).hex(),
            "marks": hashlib.sha256(bytes(self.marks)).hexdigest(),
            "prev_seal_hash": bytes(self.prev_seal_hash).hex(),
            "key_id": self.key_id,
        }
