"""What `manage.py check --deploy` says about the environment, in plain words."""

from typing import Any

from django.conf import settings
from django.core import checks


@checks.register(checks.Tags.security, deploy=True)
def environment(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Advice where a variable is unset or risky; nothing here stops the start."""
    found: list[checks.CheckMessage] = []
    for number, (applies, sentence) in enumerate(advice(), start=1):
        if applies:
            found.append(checks.Info(sentence, id=f"studio.I{number:03d}"))
    if settings.RATE_LIMIT_FACTOR > 1:
        found.append(checks.Warning("RATE_LIMIT_FACTOR widens every limit.", id="studio.W001"))
    if settings.PRODUCTION and settings.JWT_SECRET:
        found.append(
            checks.Warning("JWT_SECRET is ignored in production, where access tokens are RS256.", id="studio.W002")
        )
    return found


def advice() -> list[tuple[bool, str]]:
    """Each condition with the sentence that explains what follows from it."""
    return [
        (not settings.HTTPS, "PUBLIC_URL is not https: no Secure cookies, no HSTS. Only for a trial on loopback."),
        (not settings.REDIS_URL, "REDIS_URL is not set: the cache is kept in each process and limits in PostgreSQL."),
        (
            settings.STORAGE == "none",
            "No storage is configured: uploads answer 503. Set S3_BUCKET_NAME, or STORAGE=local.",
        ),
        (settings.EMAIL_PROVIDER == "file", "No mail provider is configured: mails are written to var/mail only."),
        (settings.PAYMENTS_MODE == "off", "STRIPE_SECRET is not set: payments answer 503."),
        (not settings.STRIPE_WEBHOOK_SECRET, "STRIPE_WEBHOOK_SECRET is not set: Stripe's webhooks answer 503."),
        (not settings.SENTRY_DSN, "SENTRY_DSN is not set: errors are only in the log."),
        (settings.STAFF_TWO_FACTOR == "optional", "STAFF_TWO_FACTOR is optional: staff may sign in by password alone."),
        (
            settings.PRODUCTION and settings.PAYMENTS_MODE == "twin",
            "STRIPE_API_BASE is an address of this machine: payments go to a stand-in, and no money moves.",
        ),
        (
            settings.PRODUCTION and settings.HTTPS and not settings.PROXY_HOPS,
            "PROXY_HOPS is 0 and PUBLIC_URL is https: behind a proxy that ends TLS pages would redirect to themselves.",
        ),
        (
            bool(settings.JWT_KMS_KEY_ID and settings.JWT_PRIVATE_KEY),
            "JWT_KMS_KEY_ID signs access tokens: JWT_PRIVATE_KEY is ignored.",
        ),
    ]
