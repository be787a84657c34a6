"""Does the log still hold what its seals say? Reads only; the same for the command, the jobs and the admin."""

from audit.verification.checks import run
from audit.verification.report import Fault, Report, Scope

__all__ = ["Fault", "Report", "Scope", "run"]
