"""The least that a webhook can be: a view that verifies the signature and inserts a row."""

import hashlib
import hmac
import json
import os

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

SECRET = os.environ["STRIPE_WEBHOOK_SECRET"].encode()
INSERT = "INSERT INTO plain_event VALUES (%s, clock_timestamp(), %s) ON CONFLICT DO NOTHING"


@csrf_exempt
def receive(request: HttpRequest) -> HttpResponse:
    """Stripe's scheme v1, without its time."""
    parts = dict(item.split("=", 1) for item in request.headers["Stripe-Signature"].split(","))
    signed = parts["t"].encode() + b"." + request.body
    if not hmac.compare_digest(hmac.new(SECRET, signed, hashlib.sha256).hexdigest(), parts["v1"]):
        return HttpResponse(status=400)
    event = json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [event["id"], request.body.decode()])
    return JsonResponse({"received": True})


def probe(_request: HttpRequest) -> HttpResponse:
    """Says that the server is up."""
    return HttpResponse()


urlpatterns = [path("api/payments/webhooks/stripe", receive), path("healthz", probe)]
