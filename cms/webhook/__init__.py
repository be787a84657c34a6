"""How a publish webhook is signed and sent. Knows no models."""
