"""What development and tests need and production does not. Imports nothing of the project."""
