"""Settings of `make test`: secrets made up here, cheap password hashes, mail in memory."""

import os
import tempfile
from pathlib import Path

os.environ["DJANGO_ENV"] = "test"
for name, value in {
    "SECRET_KEY": "test-secret-key-of-forty-characters-and-more",
    "FIELD_KEY": "test-field-key-of-forty-characters-and-more",
    "JWT_REFRESH_SECRET": "test-refresh-pepper-of-forty-characters-and",
    "JWT_SECRET": "test-jwt-secret-of-forty-characters-and-more",
    "PUBLIC_URL": "http://testserver",
    "STRIPE_SECRET": "sk_test_suite",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_suite",
    "STRIPE_WEBHOOK_SECRET": "whsec_test_suite_secret_of_forty_characters",
    "STRIPE_API_BASE": "http://127.0.0.1:9",
    "STRIPE_JS_URL": "http://127.0.0.1:9/stripe.js",
    "EMAIL_PROVIDER": "file",
    "REDIS_URL": "",
    "STORAGE": "local",
}.items():
    os.environ[name] = value
os.environ.setdefault("DATABASE_URL", "postgres://postgres@127.0.0.1:1/none")

from config.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
media_folder = tempfile.TemporaryDirectory(prefix="studio-media-")  # gone with the process; pytest ends it by name
MEDIA_ROOT = Path(media_folder.name)
RATES = dict.fromkeys(RATES)  # noqa: F405 - a test of a limit sets its own rate
INSTALLED_APPS = [*INSTALLED_APPS, "django_migration_linter"]  # noqa: F405 - a command of `make check`, no models
DATABASES["default"]["TEST"] = {"TEMPLATE": os.environ.get("TEST_DATABASE_TEMPLATE") or None}  # noqa: F405 - migrated already
