"""Who is signed in, in the admin and through the API, and the button that ends it."""

from django.contrib import admin
from django.http import HttpRequest

from accounts import browsers
from accounts.actions import sessions
from accounts.constants import MAY_REVOKE_SESSIONS
from accounts.models import Session
from common.actor import actor_of
from common.admin import ObjectAction, ObjectActionsMixin, ReadOnlyAdmin


@admin.register(Session)
class SessionAdmin(ObjectActionsMixin, ReadOnlyAdmin):
    """Read only, but for signing someone out."""

    list_display = ("user", "created_at", "last_used_at", "ip", "device", "revoke_reason")
    list_filter = ("revoke_reason", "transport")
    list_select_related = ("user",)
    search_fields = ("user__email",)
    fields = (
        "user",
        "created_at",
        "last_used_at",
        "ip",
        "user_agent",
        "amr",
        "transport",
        "idle_expires_at",
        "absolute_expires_at",
        "revoked_at",
        "revoke_reason",
    )
    object_actions = (
        ObjectAction("sign-out", "Sign out", MAY_REVOKE_SESSIONS, "sign_out", when="is_open", danger=True),
    )

    @admin.display(description="device")
    def device(self, session: Session) -> str:
        """What the browser or program is called."""
        return browsers.named(session.user_agent)

    def sign_out(self, request: HttpRequest, session: Session) -> str:
        """The button."""
        sessions.revoke_for(session=session, by=actor_of(request))
        return "Signed out. What the session held stopped working at once."

    def is_open(self, session: Session) -> bool:
        """Whether there is anything to end."""
        return session.revoked_at is None
