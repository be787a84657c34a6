"""Invitations: invite, send again, withdraw."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from accounts import selectors
from accounts.actions import invites
from accounts.constants import INVITE_LIFETIME_HOURS, INVITE_LIFETIME_MAX_HOURS, MAY_INVITE
from accounts.models import Invite
from accounts.roles import ALL
from common.admin import ActionAdmin, ObjectAction, ObjectActionsMixin
from common.clock import db_now


class InviteForm(forms.ModelForm):  # type: ignore[type-arg]
    """Whom to invite, and as what."""

    roles = forms.MultipleChoiceField(
        choices=[(role.name, f"{role.name}: {role.about}") for role in ALL], widget=forms.CheckboxSelectMultiple
    )
    lifetime_hours = forms.IntegerField(
        label="Link works for (hours)",
        min_value=1,
        max_value=INVITE_LIFETIME_MAX_HOURS,
        initial=INVITE_LIFETIME_HOURS,
    )

    class Meta:
        model = Invite
        fields = ("email", "first_name", "last_name")

    def validate_unique(self) -> None:
        """Left to the action, which says what to do instead."""

    def validate_constraints(self) -> None:
        """Left to the action."""


@admin.register(Invite)
class InviteAdmin(ObjectActionsMixin, ActionAdmin):
    """Adding one mails its link; afterwards it is only sent again or withdrawn."""

    form = InviteForm
    reauth_to_save = True
    list_display = ("email", "role_names", "state", "invited_by", "sent_at", "expires_at")
    list_filter = ("status",)
    list_select_related = ("invited_by",)
    search_fields = ("email", "first_name", "last_name")
    object_actions = (
        ObjectAction(
            "resend",
            "Send again",
            MAY_INVITE,
            "send_again",
            when="may_resend",
            explain="Mails a new link. The old one stops working.",
            reauth=True,
        ),
        ObjectAction("withdraw", "Withdraw", MAY_INVITE, "withdraw", when="is_waiting", danger=True, reauth=True),
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A form for a new one; the facts of one that was sent."""
        if obj is None:
            return ("email", "first_name", "last_name", "roles", "lifetime_hours")
        return (
            "email",
            "first_name",
            "last_name",
            "role_names",
            "state",
            "invited_by",
            "sent_at",
            "expires_at",
            "accepted_at",
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Everything, once sent."""
        return self.get_fields(request, obj) if obj else ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whoever may invite."""
        return request.user.has_perm(MAY_INVITE)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing on it is edited; the buttons act."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may invite sees whom others invited."""
        return self.has_add_permission(request) or super().has_view_permission(request, obj)

    @admin.display(description="roles")
    def role_names(self, invite: Invite) -> str:
        """The roles in words."""
        return ", ".join(invite.roles)

    @admin.display(description="status", ordering="status")
    def state(self, invite: Invite) -> str:
        """The status as of now."""
        return str(Invite.Status(selectors.invite_status(invite, now=db_now())).label)

    def perform_save(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> Invite:
        """Invite."""
        values = form.cleaned_data
        return invites.create(
            email=values["email"],
            roles=values["roles"],
            first_name=values["first_name"],
            last_name=values["last_name"],
            lifetime_hours=values["lifetime_hours"],
            by=self.actor(request),
        )

    def send_again(self, request: HttpRequest, invite: Invite) -> str:
        """The button."""
        invites.resend(invite_id=invite.pk, by=self.actor(request))
        return f"A new link is on its way to {invite.email}."

    def withdraw(self, request: HttpRequest, invite: Invite) -> str:
        """The button."""
        invites.revoke(invite_id=invite.pk, by=self.actor(request))
        return f"The invitation of {invite.email} is withdrawn."

    def may_resend(self, invite: Invite) -> bool:
        """Whether a new link makes sense."""
        return invite.status in {Invite.Status.PENDING, Invite.Status.EXPIRED}

    def is_waiting(self, invite: Invite) -> bool:
        """Whether there is anything to withdraw."""
        return invite.status == Invite.Status.PENDING
