"""A member of the studio's staff. Customers have no account."""

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models

from common.ids import uuid7


class UserManager(BaseUserManager["User"]):
    """Finds users by their canonical e-mail; rows are made by `accounts.actions`."""


class User(AbstractBaseUser, PermissionsMixin):
    """One person who signs in. Roles are Django groups; every user is staff."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField("e-mail", max_length=254, unique=True)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(editable=False)
    # Until then a first second factor may be enrolled with the password alone.
    enrollment_open_until = models.DateTimeField(null=True, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ("email",)
        default_permissions = ("view", "change")
        permissions = (
            ("invite_staff", "Can invite colleagues"),
            ("view_users", "Can list colleagues through the API"),
            ("reset_second_factor", "Can reset a colleague's second factor"),
            ("revoke_sessions", "Can sign a colleague out everywhere"),
            ("view_keys", "Can see the state of the signing keys"),
        )

    def __str__(self) -> str:
        return self.get_full_name() or self.email

    @property
    def is_staff(self) -> bool:
        """Every account belongs to staff; what one may do is decided by roles."""
        return True

    def get_full_name(self) -> str:
        """First and last name, or an empty string."""
        return f"{self.first_name} {self.last_name}".strip()

    def get_short_name(self) -> str:
        """What to call the person in a greeting."""
        return self.first_name or self.email
