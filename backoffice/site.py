"""The staff's site: Django's admin with our start page and sign-in."""

from django.conf import settings
from django_otp.admin import OTPAdminSite


class StudioAdminSite(OTPAdminSite):
    """One instance, `django.contrib.admin.site`."""

    site_header = settings.STUDIO_NAME
    site_title = settings.STUDIO_NAME
    index_title = "Start"
