"""What the world outside is told about content: the list of changes, and the webhooks that front ends asked for."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from cms.validators import validate_web_address
from common.ids import uuid7

URL_MAX = 500
ERROR_MAX = 500
LABEL_MAX = 100
TEST_TYPE = "test"  # in place of a type of content


class ChangeType(models.TextChoices):
    """What happened to public content; the values are the contract's."""

    PUBLISHED = "content.published", "Published"
    UNPUBLISHED = "content.unpublished", "Unpublished"


class Change(models.Model):
    """A publication or its end, written in the transaction that raised the content version to `version`.

    `item_type` and `item_id` are as in `Revision`; `data` is the answer's member of that name.
    """

    version = models.PositiveBigIntegerField(primary_key=True)
    at = models.DateTimeField()
    type = models.CharField(max_length=20, choices=ChangeType.choices)
    item_type = models.CharField(max_length=30)
    item_id = models.CharField(max_length=36)
    data = models.JSONField()

    class Meta:
        ordering = ("version",)
        indexes = (models.Index(name="cms_change_at", fields=["at"]),)

    def __str__(self) -> str:
        """Its version."""
        return f"Version {self.version}"


class PublishEndpoint(models.Model):
    """An address of a front end that is told of every change."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    label = models.CharField(max_length=LABEL_MAX, help_text="What stands at this address, for people.")
    url = models.CharField(
        "address",
        max_length=URL_MAX,
        unique=True,
        validators=[validate_web_address],
        help_text="Where each change is sent to, by POST. In production it begins with https://.",
    )
    active = models.BooleanField(default=True, help_text="While this is off nothing is sent.")
    secret_ciphertext = models.BinaryField(editable=False)
    previous_ciphertext = models.BinaryField(null=True, editable=False)  # signs too for a day after a rotation
    created_at = models.DateTimeField(editable=False)
    secret_made_at = models.DateTimeField("secret made", editable=False)
    last_at = models.DateTimeField("last call", null=True, blank=True, editable=False)
    last_status = models.PositiveSmallIntegerField("last answer", null=True, blank=True, editable=False)
    last_error = models.CharField(max_length=ERROR_MAX, blank=True, editable=False)

    class Meta:
        verbose_name = "publish webhook"
        ordering = ("label", "id")
        permissions = (("send_publishendpoint", "Can send test events and send deliveries again"),)

    def __str__(self) -> str:
        """The label, by which people know it."""
        return self.label


class DeliveryState(models.TextChoices):
    """How far a delivery is."""

    COLLECTING = "collecting", "Waiting for more changes"
    SENDING = "sending", "Being sent"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Failed for good"


class Delivery(models.Model):
    """One message to one endpoint. While it is collecting, further changes of the same item join it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    endpoint = models.ForeignKey(PublishEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.COLLECTING)
    type = models.CharField(max_length=20, choices=ChangeType.choices)
    item_type = models.CharField("content type", max_length=30)
    item_id = models.CharField(max_length=36)
    data = models.JSONField()
    changes = models.PositiveIntegerField("changes in it", default=1)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    answered_at = models.DateTimeField("last try", null=True, blank=True)
    status = models.PositiveSmallIntegerField("answer", null=True, blank=True)
    error = models.CharField(max_length=ERROR_MAX, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ("-created_at", "-id")
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            models.UniqueConstraint(
                name="cms_delivery_collects_once",
                fields=["endpoint", "item_type", "item_id"],
                condition=Q(state=DeliveryState.COLLECTING),
            ),
            models.CheckConstraint(name="cms_delivery_state_known", condition=Q(state__in=DeliveryState.values)),
        )
        indexes = (models.Index(name="cms_delivery_newest", fields=["-created_at", "-id"]),)

    def __str__(self) -> str:
        """What it says of which item."""
        return f"{self.happening}: {self.subject}" if self.subject else self.happening

    @property
    def is_test(self) -> bool:
        """Whether it names no content."""
        return self.item_type == TEST_TYPE

    @property
    def happening(self) -> str:
        """What it tells, in a word; a test looks like a publication to who receives it, not to staff."""
        return "Test" if self.is_test else self.get_type_display()

    @property
    def subject(self) -> str:
        """Which item it is about: the type, and its address where it has one; empty for a test."""
        if self.is_test:
            return ""
        return " ".join(dict.fromkeys(str(self.data[key]) for key in ("type", "slug") if self.data[key]))

    @property
    def message_id(self) -> str:
        """What the header `webhook-id` says, at every try."""
        return f"msg_{self.pk.hex}"
