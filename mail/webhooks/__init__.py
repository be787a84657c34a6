"""Where mail providers call us."""
