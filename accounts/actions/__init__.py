"""All writes of accounts, one subject a file; called as `invites.create(...)`."""
