"""Colleagues: roles, and whether the account is open. No password form, and nobody is added but by invitation."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import selectors
from accounts.actions import users
from accounts.constants import ROLES
from accounts.models import User
from accounts.roles import ALL
from common.admin import ActionAdmin, ObjectAction, ObjectActionsMixin
from common.admin.shown import NOTHING
from mail import selectors as mail

MAY_CHANGE = "accounts.change_user"


class UserForm(forms.ModelForm):  # type: ignore[type-arg]
    """The roles, each with what it may do."""

    roles = forms.MultipleChoiceField(
        choices=[(role.name, f"{role.name}: {role.about}") for role in ALL], widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = User
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["roles"].initial = selectors.roles_of(self.instance) if self.instance.pk else []


@admin.register(User)
class UserAdmin(ObjectActionsMixin, ActionAdmin):
    """Lists everybody; roles change through an action, accounts close and open by a button."""

    form = UserForm
    list_display = ("email", "name", "role_names", "is_active", "last_login")
    list_filter = ("is_active", ("groups", admin.RelatedOnlyFieldListFilter))
    search_fields = ("email", "first_name", "last_name")
    fields = ("email", "mail_trouble", "first_name", "last_name", "roles", "is_active", "last_login", "created_at")
    readonly_fields = ("email", "mail_trouble", "first_name", "last_name", "is_active", "last_login", "created_at")
    object_actions = (
        ObjectAction(
            "close",
            "Close the account",
            MAY_CHANGE,
            "close_account",
            when="is_open",
            danger=True,
            explain="Signs the person out everywhere. The account can be opened again.",
        ),
        ObjectAction("open", "Open the account again", MAY_CHANGE, "open_account", when="is_closed"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """With roles, for the list."""
        rows: QuerySet[User] = super().get_queryset(request)
        return rows.prefetch_related("groups")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """People are invited, not added."""
        return False

    @admin.display(description="name")
    def name(self, user: User) -> str:
        """First and last name."""
        return user.get_full_name()

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
        """Set the roles."""
        return users.set_roles(user=obj, roles=form.cleaned_data["roles"], by=self.actor(request))

    def close_account(self, request: HttpRequest, user: User) -> str:
        """The button."""
        users.set_active(user=user, active=False, by=self.actor(request))
        return f"{user} can no longer sign in."

    def open_account(self, request: HttpRequest, user: User) -> str:
        """The button."""
        users.set_active(user=user, active=True, by=self.actor(request))
        return f"{user} can sign in again."

    def is_open(self, user: User) -> bool:
        """Whether closing is offered."""
        return user.is_active

    def is_closed(self, user: User) -> bool:
        """Whether opening is offered."""
        return not user.is_active
