"""Logs: one JSON object a line in production, readable lines elsewhere; tokens and signatures are masked everywhere."""

import re
from typing import Any

import structlog

MASK = "…"
MASKED = (
    re.compile(r"(/(?:b|t|calendar|auth/invite|auth/reset|uploads/(?:put|get))/)[^\s/?\"']+"),
    re.compile(
        r"((?:X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token|preview|token|signature|client_secret)=)[^&\s\"']+",
        re.IGNORECASE,
    ),
    re.compile(r"\b((?:sk|rk)_(?:test|live)_|whsec_|rt_|ch_|en_|iv_|pr_|bk_)[A-Za-z0-9_-]{8,}"),
    re.compile(r"(pi_[A-Za-z0-9]+_secret_)[A-Za-z0-9]+"),
    re.compile(r"(Bearer )[A-Za-z0-9._-]+"),
)
SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


def mask(text: str) -> str:
    """The text without tokens, secrets and signatures."""
    for pattern in MASKED:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return text


def mask_event(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """A structlog processor: mask every text of an event, one level deep."""
    return {key: mask(value) if isinstance(value, str) else value for key, value in event.items()}


def configure(*, json_lines: bool, level: str) -> dict[str, Any]:
    """Set structlog up and return Django's LOGGING."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *(one for one in SHARED if not isinstance(one, structlog.stdlib.ExtraAdder)),
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: Any = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    if not json_lines:
        renderer = structlog.dev.ConsoleRenderer(
            colors=False, sort_keys=False, exception_formatter=structlog.dev.plain_traceback
        )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, mask_event, renderer],
                "foreign_pre_chain": SHARED,
            }
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "lines"},
            "nowhere": {"class": "logging.NullHandler"},  # a logger without any falls back to plain text on stderr
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},
            "django.request": {"level": "ERROR"},  # django-structlog writes one line a request
            "django.server": {"handlers": ["stderr"], "level": level, "propagate": False},
            "botocore": {"level": "WARNING"},
            "stripe": {"level": "WARNING"},
        },
    }
