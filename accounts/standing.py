"""What a user is told about itself: roles, permissions and the second factor, in one query written once."""

import json
from dataclasses import dataclass

from django.db import connection

from accounts.constants import METHOD_BACKUP_CODE, METHOD_TOTP
from accounts.models import User

# As Django's ModelBackend: a superuser has every permission, whoever is not active none.
_STANDING = """
    SELECT
        (SELECT json_agg(held.name) FROM auth_group AS held
            JOIN accounts_user_groups AS mine ON mine.group_id = held.id WHERE mine.user_id = u.id)::text,
        (SELECT json_agg(kind.app_label || '.' || one.codename) FROM auth_permission AS one
            JOIN django_content_type AS kind ON kind.id = one.content_type_id
            WHERE u.is_active AND (
                u.is_superuser
                OR one.id IN (SELECT permission_id FROM accounts_user_user_permissions WHERE user_id = u.id)
                OR one.id IN (
                    SELECT given.permission_id FROM auth_group_permissions AS given
                    JOIN accounts_user_groups AS mine ON mine.group_id = given.group_id WHERE mine.user_id = u.id
                )
            ))::text,
        factor.id IS NOT NULL,
        EXISTS (SELECT 1 FROM accounts_backupcode AS code
            WHERE code.factor_id = factor.id AND code.batch = factor.batch AND code.used_at IS NULL)
    FROM accounts_user AS u
    LEFT JOIN accounts_secondfactor AS factor ON factor.user_id = u.id AND factor.confirmed
    WHERE u.id = %s
"""


@dataclass(frozen=True)
class Standing:
    """Names of roles and permissions in order, and how the second factor is proven (no way: there is none)."""

    roles: list[str]
    permissions: list[str]
    methods: list[str]


def of(user: User) -> Standing:
    """The user's standing now."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [user.pk])
        roles, permissions, has_factor, has_codes = cursor.fetchone()
    methods = [METHOD_TOTP] * has_factor + [METHOD_BACKUP_CODE] * has_codes
    return Standing(_names(roles), _names(permissions), methods)


def _names(found: str | None) -> list[str]:
    return sorted(set(json.loads(found or "[]")))
