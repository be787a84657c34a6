"""Django's entry point to the app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Staff accounts: invitations, sign-in, sessions, signing keys."""

    name = "accounts"
    verbose_name = "People"

    def ready(self) -> None:
        """Tell mail and the API's description what this app adds to them."""
        from accounts import registrations  # noqa: PLC0415 - models must be loaded first

        registrations.register()
