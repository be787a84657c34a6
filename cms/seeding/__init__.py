"""What the demo site's seeds share: pictures that are made here, and the way they become media."""
