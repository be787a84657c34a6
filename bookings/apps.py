"""The bookings app: offers, availability, holds and bookings."""

from django.apps import AppConfig


class BookingsConfig(AppConfig):
    """Fills the registries of the apps below when Django starts."""

    name = "bookings"
    verbose_name = "Bookings"

    def ready(self) -> None:
        """Tell cms, mail and the seed command what this app adds to them."""
        from bookings import registrations  # noqa: PLC0415  (models must be loaded first)

        registrations.register()
