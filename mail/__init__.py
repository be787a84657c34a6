"""The outbox of messages and their delivery."""
