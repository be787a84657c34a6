"""`/readyz` and `/health`: each dependency with its state. The first middleware answers `/healthz`."""

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from backoffice.selectors import HEALTH
from common.clock import db_now
from common.health import Check
from common.instants import instant
from common.problems import DATABASE_RETRY_SECONDS

logger = logging.getLogger(__name__)
UNAVAILABLE = 503


def cache() -> Check:
    """Whether the shared cache is configured and answers."""
    if not settings.REDIS_URL:
        return Check("cache", "degraded", "redis_absent")
    try:
        caches["limits"].get("health")
    except Exception:  # noqa: BLE001 - a backend's own exceptions
        return Check("cache", "degraded", "redis_unavailable")
    return Check("cache", "ok")


def database() -> Check:
    """Whether PostgreSQL answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return Check("database", "down", "unreachable")
    return Check("database", "ok")


CHECKS: tuple[Callable[[], Check], ...] = (cache, *HEALTH)


def checks() -> list[Check]:
    """Every dependency's state; with the database away the rest is not asked."""
    found = [database()]
    if found[0].status == "down":
        return found
    for check in CHECKS:
        try:
            found.append(check())
        except DatabaseError:
            logger.exception("health_check_failed")
            found.append(Check(check.__module__.partition(".")[0], "down", "check_failed"))
    return found


def summary(found: list[Check]) -> str:
    """The worst that matters: only a lost database is `down`, any other trouble is `degraded`."""
    if found[0].status == "down":
        return "down"
    return "ok" if all(check.status == "ok" for check in found) else "degraded"


def _body(found: list[Check]) -> dict[str, Any]:
    alive = found[0].status != "down"
    return {
        "status": summary(found),
        "version": settings.API_VERSION,
        "time": instant(db_now()) if alive else None,
        "checks": {check.name: check.as_dict() for check in found},
    }


def health(request: HttpRequest) -> JsonResponse:
    """The summary; 503 only when the database is away."""
    return _respond(_body(checks()))


def readyz(request: HttpRequest) -> JsonResponse:
    """The same with the migrations: 503 while some are pending, so that no load reaches old tables."""
    found = checks()
    if found[0].status != "down":
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        state = (
            Check("migrations", "down", "pending", {"count": len(pending)}) if pending else Check("migrations", "ok")
        )
        found.append(state)
    body = _body(found)
    if found[-1].status == "down":
        body["status"] = "down"
    return _respond(body)


def _respond(body: dict[str, Any]) -> JsonResponse:
    down = body["status"] == "down"
    headers = {"Cache-Control": "no-store", **({"Retry-After": str(DATABASE_RETRY_SECONDS)} if down else {})}
    return JsonResponse(body, status=UNAVAILABLE if down else 200, headers=headers)
