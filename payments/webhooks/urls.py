"""Addresses that providers call, under /api/."""

from django.urls import path

from payments.webhooks import stripe

urlpatterns = [
    path("payments/webhooks/stripe", stripe.receive, name="webhook-stripe"),
    path("payments/webhook", stripe.receive, name="webhook"),
]
