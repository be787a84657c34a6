"""System checks of uploads."""
