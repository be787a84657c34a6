"""Base classes of the admin: whatever writes, writes through an action."""

from common.admin.base import ActionAdmin, ReadOnlyAdmin
from common.admin.buttons import ObjectAction, ObjectActionsMixin

__all__ = ["ActionAdmin", "ObjectAction", "ObjectActionsMixin", "ReadOnlyAdmin"]
