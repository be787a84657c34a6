"""Forms of the pages under /auth/."""

from typing import Any

from django import forms

from accounts.constants import (
    BACKUP_CODE_INPUT_MAX_CHARS,
    NAME_MAX_CHARS,
    PASSWORD_MIN_CHARS,
    TOTP_DIGITS,
)

PASSWORD_HINT = f"At least {PASSWORD_MIN_CHARS} characters. A few words that only you would put together work well."

CODE_HINT = f"The {TOTP_DIGITS} digits in your authenticator app. No phone at hand? Type one of your backup codes."


class PasswordField(forms.CharField):
    """A password as it was typed; the rules are the action's."""

    widget = forms.PasswordInput

    def __init__(self, **values: Any) -> None:
        super().__init__(strip=False, **values)


class NewPasswordForm(forms.Form):
    """A new password, twice."""

    password = PasswordField(label="New password", help_text=PASSWORD_HINT)
    again = PasswordField(label="The password once more")

    def clean(self) -> dict[str, Any]:
        """Both passwords alike."""
        values = super().clean() or {}
        if "again" in values and values.get("password") != values["again"]:
            self.add_error("again", "The two passwords differ.")
        return values


class AcceptInviteForm(NewPasswordForm):
    """Name and password of a new colleague."""

    first_name = forms.CharField(label="First name", max_length=NAME_MAX_CHARS)
    last_name = forms.CharField(label="Last name", max_length=NAME_MAX_CHARS)
    password = PasswordField(label="Password", help_text=PASSWORD_HINT)


class ChangePasswordForm(NewPasswordForm):
    """The password of now, and the new one."""

    current_password = PasswordField(label="Your present password")


class SignInForm(forms.Form):
    """E-mail and password."""

    email = forms.EmailField(label="E-mail")
    password = PasswordField(label="Password")


class AddressForm(forms.Form):
    """Whose password was forgotten."""

    email = forms.EmailField(label="E-mail")


class CodeField(forms.CharField):
    """A one-time code; apps show it in two groups, so white space inside is no part of it."""

    def __init__(self, **values: Any) -> None:
        super().__init__(label="Code", max_length=BACKUP_CODE_INPUT_MAX_CHARS, **values)

    def to_python(self, value: Any) -> str:
        """Without white space."""
        return "".join((super().to_python(value) or "").split())


class CodeForm(forms.Form):
    """A code of the app, or a backup code in its place."""

    code = CodeField(help_text=CODE_HINT)


class AppCodeForm(forms.Form):
    """The first code of an app that is being set up."""

    code = CodeField()


class ConfirmForm(forms.Form):
    """The password once more."""

    password = PasswordField(label="Password")


class ConfirmWithCodeForm(ConfirmForm):
    """The password once more, with a code."""

    code = CodeField(help_text=CODE_HINT)
