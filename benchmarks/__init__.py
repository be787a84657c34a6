"""Measurements against baselines of the same run and machine.

`make bench` runs them; `docs/performance.md` says how to read what it prints.
"""
