"""The people section of the admin: users, invitations, sessions. Keys, hashes and tokens are registered nowhere."""

from accounts.admin.invites import InviteAdmin
from accounts.admin.sessions import SessionAdmin
from accounts.admin.users import UserAdmin

__all__ = ["InviteAdmin", "SessionAdmin", "UserAdmin"]
