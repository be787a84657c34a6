"""Addresses under `/api/admin/`."""

from django.urls import path

from audit.api.views import AuditView

urlpatterns = [path("audit", AuditView.as_view(), name="audit")]
