"""The audit events that commands over several apps write."""

from common import events

events.register("backoffice", {"system.rekeyed": "Columns were encrypted again under the newest FIELD_KEY"})
