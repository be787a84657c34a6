"""All writes of content."""
