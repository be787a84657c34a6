"""Django's entry point to the app."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Names the app; what it registers is found by `common.apps`."""

    name = "payments"
    verbose_name = "Payments"
