"""Django's entry point to the app."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Fills the registry of mail when Django starts."""

    name = "payments"
    verbose_name = "Payments"

    def ready(self) -> None:
        """Tell mail what this app adds to it."""
        from payments import registrations  # noqa: PLC0415  (models must be loaded first)

        registrations.register()
