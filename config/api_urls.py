"""Everything under `/api/`."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from config.docs import ApiDocs

urlpatterns = [
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", ApiDocs.as_view(), name="docs"),
    path("auth/", include("accounts.api.urls")),
    path("admin/", include("audit.api.urls")),
    path("", include("mail.webhooks.urls")),
    path("", include("uploads.api.urls")),
    path("", include("bookings.api.urls")),
    path("", include("payments.api.urls")),
    path("", include("cms.api.urls")),
]
