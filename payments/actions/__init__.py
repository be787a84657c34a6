"""All writes of payments."""
