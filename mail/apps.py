"""Django's entry point to the app."""

import warnings

from anymail.exceptions import AnymailNotSupportedWarning
from django.apps import AppConfig

SENDGRID_UNSUPPORTED = "django-anymail has dropped official support for SendGrid"


class MailConfig(AppConfig):
    """Names the app; what it registers is found by `common.apps`."""

    name = "mail"

    def ready(self) -> None:
        """Silence the one warning that docs/operations.md explains, and no other."""
        warnings.filterwarnings("ignore", message=SENDGRID_UNSUPPORTED, category=AnymailNotSupportedWarning)
