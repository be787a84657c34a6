"""`manage.py webhooks replay`: apply stored events again."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.actor import Actor
from common.errors import NotFound
from payments.actions import inbox
from payments.constants import EventState


class Command(BaseCommand):
    """Events that were stored and dealt with, or that no longer are tried, go through the same job once more."""

    help = "Apply stored webhook events again."

    def add_arguments(self, parser: CommandParser) -> None:
        """The one verb."""
        verbs = parser.add_subparsers(dest="verb", required=True, parser_class=argparse.ArgumentParser)
        replay = verbs.add_parser("replay", help="apply stored events again")
        replay.add_argument("event_id", nargs="+", metavar="EVENT_ID", help="the provider's id: evt_…")

    def handle(self, *args: Any, **options: Any) -> None:
        """Queue each; unknown ones are named at the end."""
        unknown = []
        for event_id in options["event_id"]:
            try:
                event = inbox.replay(event_id=event_id, by=Actor.operator())
            except NotFound:
                unknown.append(event_id)
                continue
            ignored = event.state == EventState.IGNORED
            self.stdout.write(f"{event_id}: {f'stays ignored ({event.outcome})' if ignored else 'queued'}")
        if unknown:
            raise CommandError(f"Not in the inbox: {', '.join(unknown)}")
