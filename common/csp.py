"""Changes of the Content-Security-Policy for one view, from django-csp (until Django 6 brings its own)."""

from csp.decorators import csp_replace, csp_update

__all__ = ["csp_replace", "csp_update"]
