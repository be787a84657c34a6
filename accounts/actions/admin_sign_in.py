"""The admin's sign-in form: the same check, counters and audit as the API's."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts.actions import sign_in
from accounts.models import User
from common.actor import Actor
from common.errors import DomainError, RateLimited, ValidationFailed

WRONG = "E-mail or password is wrong."


class AdminSignInForm(AuthenticationForm):
    """E-mail and password. A second factor is asked for on a page of its own, after this one."""

    username = forms.CharField(
        label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    password = forms.CharField(
        label="Password", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )

    def __init__(self, request: HttpRequest | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.user_cache: User | None = None

    def clean(self) -> dict[str, Any]:
        """Check the password by the action; every wrong one reads alike."""
        email, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not email or not password:
            return self.cleaned_data
        try:
            self.user_cache = sign_in.check_password(email=email, password=password, by=Actor.system("visitor"))
        except RateLimited as refusal:
            raise ValidationError(f"Too many tries. Wait {refusal.retry_after} seconds, then try again.") from refusal
        except ValidationFailed as refusal:
            raise ValidationError(WRONG) from refusal
        except DomainError as refusal:
            raise ValidationError(refusal.detail) from refusal
        return self.cleaned_data
