"""Colleagues: address, roles, whether the account is open, and help out of a lost factor or device.

There is no password form, and nobody is added but by invitation.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from accounts import selectors
from accounts.actions import factor_resets, sessions, users
from accounts.constants import MAY_RESET_SECOND_FACTOR, MAY_REVOKE_SESSIONS, REASON_MAX_CHARS, ROLES
from accounts.models import SecondFactor, User
from accounts.roles import ALL
from common.admin import ActionAdmin, ObjectAction, ObjectActionsMixin
from common.admin.shown import NOTHING
from mail import selectors as mail

MAY_CHANGE = "accounts.change_user"


class UserForm(forms.ModelForm):  # type: ignore[type-arg]
    """The address, and the roles, each with what it may do."""

    roles = forms.MultipleChoiceField(
        choices=[(role.name, f"{role.name}: {role.about}") for role in ALL], widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = User
        fields = ("email",)
        help_texts = {"email": "What the colleague signs in with. A change is mailed to the old and the new address."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["roles"].initial = selectors.roles_of(self.instance) if self.instance.pk else []

    def validate_unique(self) -> None:
        """Left to the action, which compares canonical addresses."""

    def validate_constraints(self) -> None:
        """Left to the action."""


class ReasonForm(forms.Form):
    """Why; the audit log keeps it."""

    reason = forms.CharField(
        max_length=REASON_MAX_CHARS,
        help_text="How did you make sure who asks for it? The audit log keeps this.",
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )


@admin.register(User)
class UserAdmin(ObjectActionsMixin, ActionAdmin):
    """Lists everybody; what is changed here is changed after a fresh confirmation."""

    form = UserForm
    reauth_to_save = True
    list_display = ("email", "name", "role_names", "is_active", "two_factor", "last_login")
    list_filter = ("is_active", ("groups", admin.RelatedOnlyFieldListFilter))
    search_fields = ("email", "first_name", "last_name")
    fields = (
        "email", "mail_trouble", "first_name", "last_name", "roles", "is_active", "two_factor", "enrollment_open_until",
        "last_login", "created_at",
    )  # fmt: skip
    readonly_fields = (
        "mail_trouble", "first_name", "last_name", "is_active", "two_factor", "enrollment_open_until", "last_login",
        "created_at",
    )  # fmt: skip
    object_actions = (
        ObjectAction(
            "close",
            "Close the account",
            MAY_CHANGE,
            "close_account",
            when="is_open",
            danger=True,
            explain="Signs the person out everywhere. The account can be opened again.",
            reauth=True,
        ),
        ObjectAction("open", "Open the account again", MAY_CHANGE, "open_account", when="is_closed", reauth=True),
        ObjectAction(
            "sign-out",
            "Sign out everywhere",
            MAY_REVOKE_SESSIONS,
            "sign_out",
            explain="Ends all of the person's sessions, in the admin and through the API.",
            reauth=True,
        ),
        ObjectAction(
            "reset-factor",
            "Reset the second factor",
            MAY_RESET_SECOND_FACTOR,
            "reset_factor",
            danger=True,
            explain="For a lost phone. Removes factor, backup codes and sessions; for 72 hours the password alone lets "
            "the person set up a new factor. They get a mail.",
            reauth=True,
            form=ReasonForm,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """With roles and factor, for the list."""
        rows: QuerySet[User] = super().get_queryset(request)
        confirmed = SecondFactor.objects.filter(user=OuterRef("pk"), confirmed=True)
        return rows.prefetch_related("groups").annotate(has_factor=Exists(confirmed))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """People are invited, not added."""
        return False

    def offered_actions(self, request: HttpRequest, obj: Any) -> list[ObjectAction]:
        """One's own sessions and factor are looked after under *Your account*."""
        offered = super().offered_actions(request, obj)
        own = obj.pk == request.user.pk
        return [one for one in offered if not own or one.permission == MAY_CHANGE]

    @admin.display(description="name")
    def name(self, user: User) -> str:
        """First and last name."""
        return user.get_full_name()

    @admin.display(description="second factor", boolean=True)
    def two_factor(self, user: Any) -> bool:
        """Whether there is one."""
        return bool(user.has_factor)

    @admin.display(description="mail")
    def mail_trouble(self, user: User) -> str:
        """What is known against the address: it bounced, or its reader complained."""
        found = mail.address_trouble(user.email)
        return found.words if found else NOTHING

    @admin.display(description="roles")
    def role_names(self, user: User) -> str:
        """The roles in their order."""
        held = {group.name for group in user.groups.all()}
        return ", ".join(role for role in ROLES if role in held)

    def perform_save(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> User:
        """Set address and roles."""
        by, values = self.actor(request), form.cleaned_data
        users.change_email(user=obj, email=values["email"], by=by)
        return users.set_roles(user=obj, roles=values["roles"], by=by)

    def close_account(self, request: HttpRequest, user: User) -> str:
        """The button."""
        users.set_active(user=user, active=False, by=self.actor(request))
        return f"{user} can no longer sign in."

    def open_account(self, request: HttpRequest, user: User) -> str:
        """The button."""
        users.set_active(user=user, active=True, by=self.actor(request))
        return f"{user} can sign in again."

    def sign_out(self, request: HttpRequest, user: User) -> str:
        """The button."""
        ended = sessions.revoke_all_for(user=user, by=self.actor(request))
        return f"Signed {user} out: {ended} sessions ended."

    def reset_factor(self, request: HttpRequest, user: User, values: dict[str, Any]) -> str:
        """The button."""
        factor_resets.reset(user=user, reason=values["reason"], by=self.actor(request))
        return f"{user} has 72 hours to sign in by password and set up a new factor."

    def is_open(self, user: User) -> bool:
        """Whether closing is offered."""
        return user.is_active

    def is_closed(self, user: User) -> bool:
        """Whether opening is offered."""
        return not user.is_active
