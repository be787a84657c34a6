"""What happens once: answers by key, and leases."""

from idempotency.actions.answers import Outcome, run_once
from idempotency.actions.leases import Hold, lease

__all__ = ["Hold", "Outcome", "lease", "run_once"]
