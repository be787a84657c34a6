"""Audit events of this app."""

from common import events

EFFECT = "faults.effect"

events.register("faults", {EFFECT: "A job of the faults had its effect"})
