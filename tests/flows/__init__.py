"""Whole paths of a person through the system, by HTTP alone."""
