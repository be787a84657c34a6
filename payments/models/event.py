"""The inbox of what providers tell us."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.ids import uuid7
from payments.constants import REF_LENGTH, EventState, Provider


class PaymentEvent(models.Model):
    """One event as it came, once; its job says how often it was tried, and `outcome` what it did."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider = models.CharField(_("provider"), max_length=10, choices=Provider.choices)
    livemode = models.BooleanField(_("live"))
    event_id = models.CharField(_("event"), max_length=REF_LENGTH)
    type = models.CharField(_("type"), max_length=100)
    object_id = models.CharField(_("object"), max_length=REF_LENGTH, blank=True, default="")
    api_version = models.CharField(_("API version"), max_length=40, blank=True, default="")
    event_created = models.BigIntegerField(_("created at the provider"), default=0)
    received_at = models.DateTimeField(_("received"))
    payload = models.JSONField(_("payload"))
    payload_sha256 = models.BinaryField(max_length=32)
    secret_id = models.CharField(_("signed with"), max_length=16, blank=True, default="")
    state = models.CharField(_("state"), max_length=10, choices=EventState.choices, default=EventState.RECEIVED)
    outcome = models.CharField(_("outcome"), max_length=40, blank=True, default="")
    payment = models.ForeignKey(
        "payments.Payment", on_delete=models.PROTECT, null=True, related_name="events", verbose_name=_("payment")
    )

    class Meta:
        verbose_name = _("provider event")
        verbose_name_plural = _("provider events")
        ordering = ["-received_at", "-id"]
        default_permissions = ("view",)
        permissions = [("replay", "Can apply a stored event again")]
        indexes = [
            models.Index(fields=["-received_at", "-id"], name="payments_events_newest"),
            models.Index(fields=["payment", "-received_at", "-id"], name="payments_events_by_payment"),
            models.Index(
                fields=["received_at"], condition=Q(state=EventState.RECEIVED), name="payments_events_waiting"
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["provider", "livemode", "event_id"], name="payments_event_once"),
            models.CheckConstraint(condition=Q(state__in=EventState.values), name="payments_event_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"
