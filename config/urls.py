"""All addresses: the API, the admin, the machines' own, the pages."""

from django.contrib import admin
from django.urls import include, path

from common import problems
from config import docs, health, metrics, runbook
from config.csp_report import csp_report

urlpatterns = [
    path("api/", include("config.api_urls")),
    path("api/csp-report", csp_report, name="csp-report"),
    path("admin/", admin.site.urls),
    path("readyz", health.readyz, name="readyz"),
    path("health", health.health, name="health"),
    path("metrics", metrics.metrics, name="metrics"),
    path("docs/errors", docs.error_index, name="error-index"),
    path("docs/errors/<slug:code>", docs.error_page, name="error-page"),
    path("docs/runbook", runbook.index, name="runbook"),
    path("docs/runbook/<slug:code>", runbook.page, name="runbook-page"),
    path(".well-known/security.txt", docs.security_txt, name="security-txt"),
    path("", include("accounts.urls")),
    path("", include("uploads.urls")),
    path("", include("bookings.urls")),
    path("", include("payments.urls")),
    path("", include("cms.urls")),
]

handler400 = problems.bad_request
handler403 = problems.permission_denied
handler404 = problems.not_found
handler500 = problems.server_error
