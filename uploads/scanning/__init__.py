"""The virus scanner, if there is one: which one answers is a setting, and what it says is a verdict."""

import logging
from pathlib import Path
from typing import Any

from django.conf import settings

from common.clock import db_now
from uploads.constants import ScanVerdict
from uploads.scanning.base import Scan, Scanner, ScannerUnavailableError
from uploads.scanning.clamd import ClamdScanner

__all__ = ["Scan", "Scanner", "ScannerUnavailableError", "get_scanner", "scan_values"]

logger = logging.getLogger(__name__)


def get_scanner() -> Scanner | None:
    """Return the configured scanner, or None: files are then served as not scanned, and staff see it."""
    return ClamdScanner(settings.CLAMAV_URL) if settings.CLAMAV_URL else None


def scan_values(source: Path) -> dict[str, Any]:
    """Return the columns of the scan. A scanner that is silent is an error: nothing is served that it has not seen.

    Raises `ScannerUnavailableError`.
    """
    scanner = get_scanner()
    if scanner is None:
        return {"scan_verdict": ScanVerdict.NOT_SCANNED, "scan_engine": "", "scanned_at": None}
    scan = scanner.scan(source)
    if scan.signature:
        logger.warning("infected_upload", extra={"engine": scan.engine, "signature": scan.signature})
    return {"scan_verdict": scan.verdict, "scan_engine": scan.engine, "scanned_at": db_now()}
