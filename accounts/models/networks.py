"""Where a colleague signs in from."""

from typing import ClassVar

from django.conf import settings
from django.db import models


class KnownNetwork(models.Model):
    """A network from which the right password came, in the API or in the admin; strangers' failures do not touch it."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="known_networks")
    network = models.CharField(max_length=49)
    last_seen_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "network"], name="known_network_once_a_user")]

    def __str__(self) -> str:
        return self.network
