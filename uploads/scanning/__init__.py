"""The virus scanner, if there is one: which one answers is a setting, and what it says is a verdict."""

from django.conf import settings

from uploads.scanning.base import Scan, Scanner, ScannerUnavailableError
from uploads.scanning.clamd import ClamdScanner

__all__ = ["Scan", "Scanner", "ScannerUnavailableError", "get_scanner"]


def get_scanner() -> Scanner | None:
    """Return the configured scanner, or None: files are then served as not scanned, and staff see it."""
    return ClamdScanner(settings.CLAMAV_URL) if settings.CLAMAV_URL else None
