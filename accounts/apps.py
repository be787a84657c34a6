"""The app's configuration."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Staff accounts: invitations, sign-in, sessions, signing keys."""

    name = "accounts"
    verbose_name = "People"
