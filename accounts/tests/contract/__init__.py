"""Every operation of /api/auth with every outcome: what is sent, what is answered, what is written down."""
