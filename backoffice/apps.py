"""Django's entry points: the admin with our site, and the app itself."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class StudioAdminConfig(AdminConfig):
    """`django.contrib.admin` whose site is ours."""

    default_site = "backoffice.site.StudioAdminSite"


class BackofficeConfig(AppConfig):
    """Names the app; what it registers is found by `common.apps`."""

    name = "backoffice"
