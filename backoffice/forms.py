"""The sign-in form of the admin, on the same action as the API's sign-in."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.actions import sign_in
from accounts.errors import InvalidCredentials
from common.actor import actor_of
from common.errors import DomainError


class SignInForm(forms.Form):
    """E-mail and password; the counters, the audit and the silence about accounts are the action's."""

    username = forms.EmailField(
        label=_("E-mail"), widget=forms.EmailInput(attrs={"autofocus": True, "autocomplete": "username"})
    )
    password = forms.CharField(
        label=_("Password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )

    def __init__(self, request: HttpRequest | None = None, *args: Any, **kwargs: Any) -> None:
        self.request = request
        self.user: Any = None
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        """Ask the action; a refusal is an error of the whole form."""
        values = self.cleaned_data
        if "username" not in values or "password" not in values:
            return values
        try:
            self.user = sign_in.check_password(
                email=values["username"], password=values["password"], by=actor_of(self.request)
            )
        except InvalidCredentials as refusal:
            raise ValidationError(
                _("E-mail and password do not fit each other, or the account is closed.")
            ) from refusal
        except DomainError as refusal:
            raise ValidationError(refusal.detail) from refusal
        return values

    def get_user(self) -> Any:
        """The colleague who signed in, for Django's LoginView."""
        return self.user
