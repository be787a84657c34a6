"""What must happen once: stored answers of requests, and leases for work that only one process may do."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from common.ids import uuid7


class StoredAnswer(models.Model):
    """The answer to one `Idempotency-Key` of one principal on one route.

    While `status` is null the first request is still running, and owns the row until `lease_until` under `token`.
    An answer is its status and the id of the object that it showed, or, for a refusal, the members of the problem.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    principal = models.CharField(max_length=100)
    route = models.CharField(max_length=100)
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    token = models.UUIDField()
    lease_until = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    object_id = models.CharField(max_length=100, blank=True)
    problem = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["principal", "route", "key"], name="idempotency_answer_once"),
            models.CheckConstraint(
                name="idempotency_problem_has_status",
                condition=models.Q(problem__isnull=True) | models.Q(status__gte=400),
            ),
        ]


class Lease(models.Model):
    """The right to do one named piece of work, held until `held_until` by whoever knows `token`."""

    name = models.CharField(primary_key=True, max_length=200)
    token = models.UUIDField(null=True)
    held_until = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="idempotency_lease_pair",
                condition=models.Q(token__isnull=True, held_until__isnull=True)
                | models.Q(token__isnull=False, held_until__isnull=False),
            ),
        ]
