"""Files: sign, put, confirm, process and serve."""
