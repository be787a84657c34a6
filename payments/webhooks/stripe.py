"""Stripe's webhook: proved, stored with its job, answered. No provider is called and no booking touched here."""

import logging

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from common import limits
from common.actor import Actor
from common.client_ip import bucket, client_ip
from common.clock import db_now
from common.errors import DomainError, MethodNotAllowed, PayloadTooLarge
from common.problems import problem_response
from payments.actions import inbox
from payments.constants import Provider
from payments.errors import InvalidSignature, PaymentsNotConfigured
from payments.providers import get
from payments.providers.errors import InvalidRequest, NotConfigured

logger = logging.getLogger(__name__)
MOST_BYTES = 512 * 1024
BY = Actor.provider("stripe")


@csrf_exempt
def receive(request: HttpRequest) -> HttpResponse:
    """`{"received": true, "duplicate": …}`; every doubt about the sender is 400 `invalid_signature`."""
    try:
        return JsonResponse({"received": True, "duplicate": not _stored(request)})
    except DomainError as error:
        return problem_response(error, request)


def _stored(request: HttpRequest) -> bool:
    said = request.META.get("CONTENT_LENGTH") or ""
    if said.isdecimal() and int(said) > MOST_BYTES:
        raise PayloadTooLarge
    if request.method != "POST":
        raise MethodNotAllowed(headers={"Allow": "POST"})
    body = request.body
    if len(body) > MOST_BYTES:
        raise PayloadTooLarge
    now = db_now()
    try:
        event = get(Provider.STRIPE).parse_webhook(request.headers, body, now=now)
    except NotConfigured as error:
        raise PaymentsNotConfigured from error
    except InvalidRequest as error:
        limits.hit("WEBHOOK_INVALID", key=bucket(client_ip(request)))
        logger.warning("webhook_refused", extra={"reason": str(error)})
        raise InvalidSignature from error
    return inbox.receive(
        event=event, body=body, provider=Provider.STRIPE, livemode=settings.PAYMENTS_MODE == "live", by=BY, now=now
    )
