"""What happens once: answers by key, and leases."""

from idempotency.actions.answers import Outcome, run_once
from idempotency.actions.leases import lease

__all__ = ["Outcome", "lease", "run_once"]
