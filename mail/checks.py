"""What `manage.py check --deploy` says about mail."""

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection

WITHOUT_REPORTS = {"file", "smtp"}


@checks.register(checks.Tags.security, deploy=True)
def mail_environment(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Name what would make every mail, or every report of the provider, fail."""
    found: list[checks.CheckMessage] = []
    try:
        get_connection()
    except (ImportError, ImproperlyConfigured) as error:
        found.append(checks.Warning(f"EMAIL_PROVIDER {settings.EMAIL_PROVIDER!r} cannot send: {error}", id="mail.W001"))
    secret = settings.MAIL_WEBHOOK_SECRET
    if secret and not all(secret.partition(":")):
        found.append(checks.Warning("MAIL_WEBHOOK_SECRET is not of the form user:password.", id="mail.W002"))
    if not secret and settings.EMAIL_PROVIDER not in WITHOUT_REPORTS:
        sentence = "MAIL_WEBHOOK_SECRET is not set: nobody learns of bounces, and unknown mails stay unknown."
        found.append(checks.Info(sentence, id="mail.I001"))
    return found
