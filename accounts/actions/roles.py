"""Bringing the groups and their permissions in line with `accounts.roles`."""

from django.contrib.auth.models import Group, Permission
from django.db import transaction

import audit.actions
from accounts.roles import ALL, APPS, Role
from common.actor import Actor


def sync(*, by: Actor) -> list[str]:
    """Make each role's group hold exactly its permissions; returns the names of the roles that changed. Safe to repeat.

    Permissions of apps that are not installed yet are left out; a test compares the patterns with what exists.
    """
    with transaction.atomic():
        known = _permissions()
        changed = [role.name for role in ALL if _sync(role, known)]
        if changed:
            audit.actions.record(action="roles.synced", by=by, meta={"roles": changed})
    return changed


def _permissions() -> dict[str, int]:
    """Every permission of our apps, as `app.codename`, with its key; `migrate` made them."""
    rows = Permission.objects.filter(content_type__app_label__in=APPS)
    return {f"{row.content_type.app_label}.{row.codename}": row.pk for row in rows.select_related("content_type")}


def _sync(role: Role, known: dict[str, int]) -> bool:
    group, created = Group.objects.get_or_create(name=role.name)
    Group.objects.select_for_update().get(pk=group.pk)
    wanted = {known[name] for name in role.permissions(known)}
    present = set(group.permissions.values_list("pk", flat=True))
    group.permissions.set(wanted)
    return created or wanted != present
