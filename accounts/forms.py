"""Forms of the pages under /auth/."""

from django import forms

from accounts.constants import NAME_MAX_CHARS, PASSWORD_MIN_CHARS


class AcceptInviteForm(forms.Form):
    """Name and password of a new colleague; the password's rules are the action's."""

    first_name = forms.CharField(label="First name", max_length=NAME_MAX_CHARS)
    last_name = forms.CharField(label="Last name", max_length=NAME_MAX_CHARS)
    password = forms.CharField(
        label="Password",
        strip=False,
        widget=forms.PasswordInput,
        help_text=f"At least {PASSWORD_MIN_CHARS} characters. A few words that only you would put together work well.",
    )
    again = forms.CharField(label="The password once more", strip=False, widget=forms.PasswordInput)

    def clean(self) -> dict[str, object]:
        """Both passwords alike."""
        values = super().clean() or {}
        if "again" in values and values.get("password") != values["again"]:
            self.add_error("again", "The two passwords differ.")
        return values
