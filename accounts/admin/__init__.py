"""The people section of the admin: users, invitations, sessions. Keys, hashes and tokens are registered nowhere."""

from django.contrib import admin
from django.contrib.auth import admin as auth_admin  # noqa: F401 - registers Group, which is taken out below
from django.contrib.auth.models import Group

from accounts.admin.invites import InviteAdmin
from accounts.admin.sessions import SessionAdmin
from accounts.admin.users import UserAdmin

__all__ = ["InviteAdmin", "SessionAdmin", "UserAdmin"]

# Roles are data (`accounts.roles`) that every release writes; a form would only seem to change them.
admin.site.unregister(Group)
