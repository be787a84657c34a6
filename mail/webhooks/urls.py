"""Addresses that mail providers call, under /api/."""

from django.urls import path

from mail.webhooks import tracking

urlpatterns = [path("mail/webhooks/<slug:provider>", tracking.receive, name="webhook-mail")]
