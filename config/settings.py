"""The settings of the whole project; every value of the environment is read here and stands in `.env.example`."""

import json
import logging
import secrets
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import environ
from csp.constants import NONE, SELF
from redis.backoff import NoBackoff
from redis.retry import Retry

from common.api.components import COMPONENTS
from config import logs, mail_keys, rates, secret_values
from config.buckets import bucket_url, origin
from config.env import Environment, members, refuse, scheme_of

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment(BASE_DIR / ".env")

# --- Core ---------------------------------------------------------------------------------------------------------
DJANGO_ENV = env.choice("DJANGO_ENV", "production", ("local", "test", "production"))
LOCAL, TESTING, PRODUCTION = (name == DJANGO_ENV for name in ("local", "test", "production"))
DEBUG = False  # error pages are the same everywhere; tracebacks go to the log

SECRET_KEY, *SECRET_KEY_FALLBACKS = members(env.required("SECRET_KEY", "it signs what Django signs"))
FIELD_KEYS = secret_values.keys("FIELD_KEY", env.required("FIELD_KEY", "it encrypts columns"))
REFRESH_PEPPERS = secret_values.keys(
    "JWT_REFRESH_SECRET", env.required("JWT_REFRESH_SECRET", "it peppers stored tokens")
)
if set(members(env.text("JWT_REFRESH_SECRET"))) & set(members(env.text("SECRET_KEY"))):
    refuse("JWT_REFRESH_SECRET equals SECRET_KEY: give each its own value.")

PORT = env.number("PORT", 5000, least=1, most=65535)
WEB_CONCURRENCY = env.number("WEB_CONCURRENCY", 2, least=1)
if PRODUCTION:
    PUBLIC_URL = env.required("PUBLIC_URL", "the origin of this back end, such as https://api.example.com").rstrip("/")
else:
    PUBLIC_URL = env.text("PUBLIC_URL", f"http://localhost:{PORT}").rstrip("/")
_parts = urlsplit(PUBLIC_URL)
if _parts.scheme not in {"http", "https"} or not _parts.hostname or _parts.path or _parts.username:
    refuse(f"PUBLIC_URL is {PUBLIC_URL!r}: write an origin such as https://api.example.com.")
PUBLIC_HOST = urlsplit(PUBLIC_URL).hostname or "localhost"
HTTPS = PUBLIC_URL.startswith("https://")
ALLOWED_HOSTS = env.items("ALLOWED_HOSTS", PUBLIC_HOST) + ([] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"])
PROXY_HOPS = env.number("PROXY_HOPS", 0, most=10)
if PROXY_HOPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
API_VERSION = env.text("API_VERSION", "1.0.0")

# --- Site and front end -------------------------------------------------------------------------------------------
FRONTEND_URL = env.text("FRONTEND_URL").rstrip("/")
FRONTEND_PATHS: dict[str, str] = {
    "accept": "/invite#token={token}",
    "reset": "/reset#token={token}",
    "booking": "/bookings/{id}#token={token}",
    "preview": "/preview?type={type}&slug={slug}&token={token}",
} | env.parsed(
    "FRONTEND_PATHS",
    env.text("FRONTEND_PATHS", "{}"),
    lambda raw: dict(json.loads(raw)),
    'JSON such as {"accept": "/invite#token={token}"}',
)
CORS_ORIGIN = env.items("CORS_ORIGIN", FRONTEND_URL)
STUDIO_NAME = env.text("STUDIO_NAME", "Studio")
STUDIO_TIME_ZONE = env.text("STUDIO_TIME_ZONE", "Africa/Nairobi")
env.parsed("STUDIO_TIME_ZONE", STUDIO_TIME_ZONE, ZoneInfo, "a name such as Africa/Nairobi")

# --- Sign-in ------------------------------------------------------------------------------------------------------
JWT_SECRET = env.text("JWT_SECRET") or (secrets.token_urlsafe(48) if not PRODUCTION else "")
JWT_PRIVATE_KEY = env.text("JWT_PRIVATE_KEY").replace("\\n", "\n")
JWT_KMS_KEY_ID = env.text("JWT_KMS_KEY_ID")
REFRESH_TOKEN_EXPIRY = timedelta(seconds=env.seconds("REFRESH_TOKEN_EXPIRY", "7d"))
REFRESH_IDLE_EXPIRY = timedelta(seconds=env.seconds("REFRESH_IDLE_EXPIRY", "24h"))
REFRESH_GRACE_SECONDS = env.number("REFRESH_GRACE_SECONDS", 10, most=60)
STAFF_TWO_FACTOR = env.choice("STAFF_TWO_FACTOR", "required" if PRODUCTION else "optional", ("required", "optional"))

# --- Limits -------------------------------------------------------------------------------------------------------
RATE_LIMIT_FACTOR = env.number("RATE_LIMIT_FACTOR", 1, least=1)
RATES = {name: rates.parse(name, env.text(f"RATE_{name}", default)) for name, default in rates.DEFAULTS.items()}

# --- Cache and jobs -----------------------------------------------------------------------------------------------
REDIS_URL = env.parsed("REDIS_URL", env.text("REDIS_URL"), scheme_of("redis", "rediss", "unix"), "redis://host:6379/0")
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", REDIS_URL)
EDGE_CACHE = env.choice("EDGE_CACHE", "on", ("on", "off")) == "on"

# --- Files --------------------------------------------------------------------------------------------------------
S3_BUCKET_NAME = env.text("S3_BUCKET_NAME")
S3_PUBLIC_BUCKET_NAME = env.text("S3_PUBLIC_BUCKET_NAME")
S3_ENDPOINT_URL = env.text("S3_ENDPOINT_URL")
S3_PUBLIC_ENDPOINT_URL = env.text("S3_PUBLIC_ENDPOINT_URL", S3_ENDPOINT_URL)
STORAGE = env.choice("STORAGE", "s3" if S3_BUCKET_NAME else "none" if PRODUCTION else "local", ("s3", "local", "none"))
AWS_REGION = env.text("AWS_REGION", "auto" if "r2.cloudflarestorage.com" in S3_ENDPOINT_URL else "us-east-1")
AWS_ACCESS_KEY_ID = env.text("AWS_ACCESS_KEY_ID")
AWS_SECRET_ACCESS_KEY = env.text("AWS_SECRET_ACCESS_KEY")
MEDIA_ROOT = Path(BASE_DIR, env.text("MEDIA_ROOT", "var/media"))
PUBLIC_BUCKET_URL = bucket_url(S3_PUBLIC_BUCKET_NAME, S3_PUBLIC_ENDPOINT_URL, AWS_REGION) if STORAGE == "s3" else ""
PRIVATE_BUCKET_URL = bucket_url(S3_BUCKET_NAME, S3_PUBLIC_ENDPOINT_URL, AWS_REGION) if STORAGE == "s3" else ""
MEDIA_BASE_URL = env.text("MEDIA_BASE_URL", PUBLIC_BUCKET_URL or f"{PUBLIC_URL}/media").rstrip("/")
UPLOAD_MAX_BYTES = env.number("UPLOAD_MAX_BYTES", 25 * 1024 * 1024, least=1, most=5 * 1024**3)
UPLOAD_MAX_PENDING = env.number("UPLOAD_MAX_PENDING", 20, least=1)
UPLOAD_MAX_OWNER_BYTES = env.number("UPLOAD_MAX_OWNER_BYTES", 2 * 1024**3, least=1)
UPLOAD_MAX_PIXELS = env.number("UPLOAD_MAX_PIXELS", 25_000_000, least=1)
CLAMAV_URL = env.parsed(
    "CLAMAV_URL", env.text("CLAMAV_URL"), scheme_of("tcp", "unix"), "tcp://host:3310 or unix:///run/clamav/clamd.ctl"
)

# --- Mail ---------------------------------------------------------------------------------------------------------
EMAIL_TIMEOUT = 15
SENDGRID_API_KEY = env.text("SENDGRID_API_KEY")
EMAIL_URL = env.text("EMAIL_URL")
ANYMAIL: dict[str, Any] = {"REQUESTS_TIMEOUT": EMAIL_TIMEOUT} | mail_keys.anymail()
if SENDGRID_API_KEY:
    ANYMAIL["SENDGRID_API_KEY"] = SENDGRID_API_KEY
EMAIL_PROVIDER = env.text("EMAIL_PROVIDER", mail_keys.provider_of(ANYMAIL) or ("smtp" if EMAIL_URL else "file"))
EMAIL_FROM = env.text("EMAIL_FROM", f"noreply@{PUBLIC_HOST}")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = f'"{STUDIO_NAME}" <{EMAIL_FROM}>'
ALERT_EMAIL = env.items("ALERT_EMAIL")
MAIL_WEBHOOK_SECRET = env.text("MAIL_WEBHOOK_SECRET")
MAIL_FILE_PATH = BASE_DIR / "var" / "mail"
if EMAIL_PROVIDER == "file":
    EMAIL_BACKEND = "mail.backends.EmlFileBackend"
elif EMAIL_PROVIDER == "smtp":
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    vars().update(
        {
            k: v
            for k, v in env.parsed(
                "EMAIL_URL",
                EMAIL_URL or "smtp://localhost:25",
                environ.Env.email_url_config,
                "smtp+tls://user:password@host:587",
            ).items()
            if k.startswith("EMAIL_") and k not in {"EMAIL_BACKEND", "EMAIL_FILE_PATH"}
        }
    )
else:
    EMAIL_BACKEND = f"anymail.backends.{EMAIL_PROVIDER}.EmailBackend"

# --- Payments -----------------------------------------------------------------------------------------------------
STRIPE_SECRET = env.text("STRIPE_SECRET")
STRIPE_PUBLISHABLE_KEY = env.text("STRIPE_PUBLISHABLE_KEY")
STRIPE_WEBHOOK_SECRET = env.items("STRIPE_WEBHOOK_SECRET")
STRIPE_API_BASE = env.text("STRIPE_API_BASE")
STRIPE_JS_URL = env.text("STRIPE_JS_URL", "https://js.stripe.com/v3/")
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
STRIPE_BASE_IS_LOOPBACK = urlsplit(STRIPE_API_BASE).hostname in LOOPBACK
if not STRIPE_SECRET:
    PAYMENTS_MODE = "off"
elif STRIPE_SECRET.startswith("sk_live_"):
    if not PRODUCTION or STRIPE_BASE_IS_LOOPBACK:
        refuse("STRIPE_SECRET is a live key: it is accepted only in production and with Stripe's own address.")
    PAYMENTS_MODE = "live"
else:
    PAYMENTS_MODE = "twin" if STRIPE_BASE_IS_LOOPBACK else "test"

# --- Audit and watching -------------------------------------------------------------------------------------------
AUDIT_SIGNING_KEYS = secret_values.keys("AUDIT_SIGNING_KEY", env.text("AUDIT_SIGNING_KEY"))
METRICS_TOKEN = env.text("METRICS_TOKEN")
SENTRY_DSN = env.parsed("SENTRY_DSN", env.text("SENTRY_DSN"), scheme_of("https", "http"), "Sentry's address")

# --- Django: apps, middleware, templates --------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False  # the API has no trailing slashes; common.middleware answers 308
INSTALLED_APPS = [
    "backoffice.apps.StudioAdminConfig",
    "accounts.apps.AccountsConfig",  # before auth: its createsuperuser points to invite_owner
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_otp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "csp",
    "django_structlog",
    "django_prose_editor",
    "anymail",
    "common.apps.CommonConfig",
    "idempotency.apps.IdempotencyConfig",
    "audit.apps.AuditConfig",
    "jobs.apps.JobsConfig",
    "mail.apps.MailConfig",
    "uploads.apps.UploadsConfig",
    "cms.apps.CmsConfig",
    "bookings.apps.BookingsConfig",
    "payments.apps.PaymentsConfig",
    "backoffice.apps.BackofficeConfig",
]
MIDDLEWARE = [
    "common.middleware.RequestContextMiddleware",  # first: /healthz, the request id, one context for logs and audit
    "django_structlog.middlewares.RequestMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "common.middleware.SecurityHeadersMiddleware",  # inside those that only fill what is not set
    "common.cors.CorsMiddleware",  # inside that, for it answers preflights itself
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "common.middleware.BodyLimitMiddleware",
    "common.middleware.SlashMiddleware",
    "common.middleware.DatabaseAwayMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "cms.pages.context.site",
            ],
        },
    },
]

# --- Django: data -------------------------------------------------------------------------------------------------
DATABASE_URL = env.parsed(
    "DATABASE_URL",
    env.required("DATABASE_URL", "PostgreSQL 15 or newer"),
    scheme_of("postgres", "postgresql"),
    "postgres://user:password@host:5432/name",
)
DATABASES = {"default": environ.Env.db_url_config(DATABASE_URL)}
DATABASES["default"] |= {
    "ENGINE": "django.db.backends.postgresql",
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
    "DISABLE_SERVER_SIDE_CURSORS": True,  # PgBouncer in transaction mode keeps no cursor
    "ATOMIC_REQUESTS": False,  # actions open the transactions, and keep them short
}
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LIMITS_TABLE = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache_limits"}
CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "TIMEOUT": 300},
    "limits": LIMITS_TABLE,
}
if REDIS_URL:
    REDIS_OPTIONS = {
        "socket_timeout": 0.1,
        "socket_connect_timeout": 0.1,
        "retry": Retry(NoBackoff(), 0),  # redis-py would try ten times more: a silent server cost a request 4 seconds
        "serializer": "common.cache.JsonSerializer",
    }
    CACHES = {
        "default": {
            "BACKEND": "common.cache.ForgivingRedisCache",
            "LOCATION": REDIS_URL,
            "TIMEOUT": 300,
            "KEY_PREFIX": "studio",
            "OPTIONS": REDIS_OPTIONS,
        },
        "limits": {
            "BACKEND": "common.cache.PromptRedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "studio-limits",
            "OPTIONS": REDIS_OPTIONS,
        },
    }
RATELIMIT_USE_CACHE = "limits"
# E003 and W001 want an atomic shared cache; DatabaseCache is good enough for volume limits (ADR 0004).
SILENCED_SYSTEM_CHECKS = ["django_ratelimit.E003", "django_ratelimit.W001"]
SILENCED_SYSTEM_CHECKS += ["security.W002"]  # common.middleware sends X-Frame-Options
if not HTTPS:  # only a loopback trial of production has a plain origin; common.checks says so
    SILENCED_SYSTEM_CHECKS += ["security.W004", "security.W008", "security.W012", "security.W016"]

# --- Django: language, time, static files -------------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
FORMAT_MODULE_PATH = "config.formats"
TIME_ZONE = STUDIO_TIME_ZONE  # what the admin shows; what is stored is UTC
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
if not PRODUCTION:
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # empty: files are found where they are
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = LOCAL
STORAGES = {
    # No model has a FileField; what a package of Django's world stores by itself must not stay on one of many machines.
    "default": {
        "BACKEND": "uploads.storage.django_files.BucketStorage"
        if STORAGE == "s3" and S3_BUCKET_NAME
        else "django.core.files.storage.FileSystemStorage"
    },
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# --- Passwords and admin sessions ---------------------------------------------------------------------------------
PASSWORD_HASHERS = ["accounts.hashers.StaffArgon2Hasher", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS: list[dict[str, str]] = []  # accounts.actions.passwords judges every password
LOGIN_URL = "admin:login"
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
SESSION_COOKIE_AGE = 24 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
CSRF_FAILURE_VIEW = "common.problems.csrf_failure"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

# --- Headers ------------------------------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = HTTPS and PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^health$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS and PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = bool(SECURE_HSTS_SECONDS)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = None  # common.middleware sets it on pages only
X_FRAME_OPTIONS = "DENY"
CORS_ALLOWED_ORIGINS = [origin.rstrip("/") for origin in CORS_ORIGIN]
CORS_ALLOW_CREDENTIALS = True
CORS_URLS_REGEX = r"^/(?:api/|\.well-known/)"
CORS_ALLOW_HEADERS = [
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "x-requested-with",
    "x-refresh-transport",
]
CORS_EXPOSE_HEADERS = [
    "ETag",
    "Link",
    "Location",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "Idempotent-Replayed",
    "X-Request-ID",
]
CORS_PREFLIGHT_MAX_AGE = 600
MEDIA_ORIGINS = sorted({origin(MEDIA_BASE_URL), origin(PRIVATE_BUCKET_URL)} - {PUBLIC_URL, ""})
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", *MEDIA_ORIGINS],
        "font-src": [SELF],
        "connect-src": [SELF, origin(PRIVATE_BUCKET_URL)] if PRIVATE_BUCKET_URL else [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "report-uri": ["/api/csp-report"],
    }
}

# --- API ----------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.AccessTokenAuthentication",
        "bookings.api.authentication.BookingTokenAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["common.api.renderers.JsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["common.api.parsers.StrictJsonParser"],
    "DEFAULT_SCHEMA_CLASS": "common.api.schema.Schema",
    "EXCEPTION_HANDLER": "common.problems.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "COERCE_DECIMAL_TO_STRING": False,
}
SPECTACULAR_SETTINGS = {
    "TITLE": f"{STUDIO_NAME} API",
    "DESCRIPTION": "Content, sign-in, bookings, payments and files of the studio.",
    "VERSION": API_VERSION,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api",
    "SERVERS": [{"url": PUBLIC_URL}],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "APPEND_COMPONENTS": COMPONENTS,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SORT_OPERATIONS": False,
    "POSTPROCESSING_HOOKS": [],  # choices stay where they are used: no names to collide
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
}
SIMPLE_JWT = {"CHECK_REVOKE_TOKEN": False, "LEEWAY": 0, "AUTH_TOKEN_CLASSES": ("accounts.tokens.StaffAccessToken",)}
DATA_UPLOAD_MAX_MEMORY_SIZE = 26 * 1024 * 1024  # common.middleware.BodyLimitMiddleware sets the real, smaller limits

# --- Logs and errors ----------------------------------------------------------------------------------------------
LOGGING = logs.configure(json_lines=PRODUCTION, level="WARNING" if TESTING else "INFO")
LOGGING_CONFIG = "logging.config.dictConfig"
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True  # common.middleware has put our own id there
DJANGO_STRUCTLOG_TRUST_UPSTREAM_CORRELATION_ID = False
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO
if SENTRY_DSN and "makemigrations" not in sys.argv:
    from config import sentry

    sentry.start(SENTRY_DSN, release=API_VERSION, environment=DJANGO_ENV)
