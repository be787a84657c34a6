"""The audit log: one table, one shape of row, written once and never changed."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.functions import Now

from audit.constants import LABEL_LENGTH, SCHEMA_VERSION, USER_AGENT_LENGTH
from common.actor import ActorKind

if TYPE_CHECKING:
    BigInteger = models.BigIntegerField[int, int]
else:
    BigInteger = models.BigIntegerField  # generic only in the stubs


class Xid8Field(BigInteger):
    """A transaction id of PostgreSQL, which never wraps around."""

    description = "PostgreSQL transaction id"

    def db_type(self, connection: Any) -> str:
        """Return the column's type."""
        return "xid8"

    def from_db_value(self, value: Any, *_: Any) -> int | None:
        """Return the id as a number; the driver hands it over as text."""
        return None if value is None else int(value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Return the id as text, which PostgreSQL reads as whatever the column is; from a number it has no way."""
        return str(value) if isinstance(value, int) else value


class Outcome(models.TextChoices):
    DONE = "done", "Done"
    REFUSED = "refused", "Refused"


class AuditEvent(models.Model):
    """One act, or one refused attempt.

    PostgreSQL's triggers set `at`, `xid` and `row_hash` on insert, and refuse every later change but emptying the
    columns that name a person (`actor_label`, `target_label`, `ip`, `user_agent`), which the hash leaves out.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_default=Now(), editable=False)
    action = models.CharField(max_length=100)
    actor_kind = models.CharField(max_length=20, choices=ActorKind)
    actor_id = models.CharField(max_length=100, blank=True)
    actor_label = models.CharField(max_length=LABEL_LENGTH, blank=True)
    on_behalf_of = models.CharField(max_length=100, blank=True)
    target_type = models.CharField(max_length=100, blank=True)
    target_id = models.CharField(max_length=100, blank=True)
    target_label = models.CharField(max_length=LABEL_LENGTH, blank=True)
    session_id = models.CharField(max_length=100, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    meta = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.DONE)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=USER_AGENT_LENGTH, blank=True)
    request_id = models.CharField(max_length=100, blank=True)
    job_id = models.CharField(max_length=100, blank=True)
    schema_version = models.PositiveSmallIntegerField(default=SCHEMA_VERSION)
    xid = Xid8Field(db_default=models.Func(function="pg_current_xact_id"), editable=False)
    row_hash = models.BinaryField(max_length=32, db_default=b"", editable=False)

    class Meta:
        db_table = "audit_event"
        verbose_name = "audit event"
        default_permissions = ()
        permissions = [
            ("view", "Can read the audit log"),
            ("verify", "Can verify the audit log"),
            ("export", "Can export the audit log"),
        ]
        indexes = [
            models.Index(fields=["xid"], name="audit_event_xid"),
            models.Index(fields=["-at", "-id"], name="audit_event_newest"),
            models.Index(fields=["action", "-at"], name="audit_event_action"),
            models.Index(fields=["target_type", "target_id", "-at"], name="audit_event_target"),
            models.Index(fields=["actor_kind", "actor_id", "-at"], name="audit_event_actor"),
        ]
        constraints = [
            models.CheckConstraint(name="audit_event_known_actor", condition=models.Q(actor_kind__in=ActorKind.values)),
            models.CheckConstraint(name="audit_event_known_outcome", condition=models.Q(outcome__in=Outcome.values)),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target_label}".strip()
