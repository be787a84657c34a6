"""Server-made pages: pick a time, give the details, manage the booking. None of them needs JavaScript."""
