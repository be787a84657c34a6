"""The public API of content."""
