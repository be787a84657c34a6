"""Rows that staff may delete."""

from typing import Any

from django.contrib.auth import get_permission_codename
from django.http import HttpRequest

from common.admin.base import ActionAdmin


class DeletableAdmin(ActionAdmin):
    """Opens deleting to the holders of the model's permission; `perform_delete` names the action."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Those who hold it; what still stands in the way the action says."""
        user: Any = request.user
        return bool(user.has_perm(f"{self.opts.app_label}.{get_permission_codename('delete', self.opts)}"))
