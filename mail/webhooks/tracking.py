"""The tracking webhook of any provider that Anymail reads: proved, stored, answered."""

import logging

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from common import limits
from common.actor import Actor
from common.client_ip import bucket, client_ip
from common.errors import DomainError, MethodNotAllowed, NotFound
from common.problems import problem_response
from mail.actions import tracking
from mail.errors import InvalidWebhookSecret, MailWebhookNotConfigured, UnreadableReport
from mail.providers import tracking as providers

logger = logging.getLogger(__name__)


@csrf_exempt
def receive(request: HttpRequest, provider: str) -> HttpResponse:
    """`{"received": n, "stored": m}`: reports of unknown messages, and those told before, are received only.

    POST stores; HEAD answers 200, which some providers ask for before they accept an address.
    """
    try:
        return _answer(request, provider)
    except DomainError as error:
        return problem_response(error, request)


def _answer(request: HttpRequest, provider: str) -> HttpResponse:
    if not providers.is_known(provider):
        raise NotFound
    if request.method not in {"POST", "HEAD"}:
        raise MethodNotAllowed(headers={"Allow": "HEAD, POST"})
    if not settings.MAIL_WEBHOOK_SECRET:
        raise MailWebhookNotConfigured
    if request.method == "HEAD":
        return HttpResponse()
    reports = _proven(request, provider)
    stored = tracking.take(reports=reports, provider=provider, by=Actor.provider(provider))
    return JsonResponse({"received": len(reports), "stored": stored})


def _proven(request: HttpRequest, provider: str) -> list[providers.Report]:
    try:
        return providers.read(request, provider=provider, secret=settings.MAIL_WEBHOOK_SECRET)
    except providers.NotReady as error:
        logger.error("mail_webhook_not_ready", extra={"provider": provider, "reason": str(error)})
        raise MailWebhookNotConfigured from error
    except providers.NotTheProvider as error:
        limits.hit("WEBHOOK_INVALID", key=bucket(client_ip(request)))
        logger.warning("mail_webhook_refused", extra={"provider": provider, "reason": str(error)})
        raise InvalidWebhookSecret from error
    except providers.Unreadable as error:
        logger.warning("mail_webhook_unreadable", extra={"provider": provider, "reason": str(error)})
        raise UnreadableReport from error
