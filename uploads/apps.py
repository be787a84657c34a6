"""The app's place in Django."""

from django.apps import AppConfig


class UploadsConfig(AppConfig):
    """Files that people and seeds bring in."""

    name = "uploads"
    verbose_name = "Files"
