"""What happens once: stored answers of requests, leases of work."""
