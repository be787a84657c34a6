"""Counters of wrong guesses. They live in the database, so that losing the cache gives no free tries."""

from typing import ClassVar

from django.db import models


class GuessCounter(models.Model):
    """Failures of one kind at one thing since the window began; `key` is a digest, never an address in clear."""

    id = models.BigAutoField(primary_key=True)
    rule = models.CharField(max_length=40)
    key = models.BinaryField(max_length=32)
    count = models.PositiveIntegerField()
    # Null: the window never closes by itself (a number in a row).
    window_ends_at = models.DateTimeField(null=True, db_index=True)
    updated_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [models.UniqueConstraint(fields=["rule", "key"], name="guess_counter_one_a_key")]

    def __str__(self) -> str:
        return f"{self.rule}: {self.count}"
