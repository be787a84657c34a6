"""The pages under /auth/, the one door for people. They need no script and call the same actions as the API."""
