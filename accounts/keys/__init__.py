"""How access tokens are signed and verified. `ring.current()` is the way in."""
