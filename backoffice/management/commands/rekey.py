"""`manage.py rekey`: everything under the newest FIELD_KEY, and what still needs the old values of both lists."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction

import audit.actions
import audit.selectors
import mail.actions
from accounts import selectors as accounts
from accounts.actions import rekeying as accounts_rekeying
from audit.actions import keys as audit_keys
from bookings import selectors as bookings
from cms import selectors as cms
from cms.actions import endpoints
from common import crypto, tokens
from common.actor import Actor
from common.clock import db_now
from common.target import Target
from payments.actions import rekeying as payments_rekeying

KEPT_WORDS = "keep it"
FREE_WORDS = "it may go"
UNUSED = accounts.PepperUse(0, 0)


class Command(BaseCommand):
    """Run it with the new value in front of the old one, and again until it says that the old one may go."""

    help = "Encrypt columns again under the newest FIELD_KEY; say which old FIELD_KEY and JWT_REFRESH_SECRET may go."

    def handle(self, *args: Any, **options: Any) -> None:
        """Each app's part, then the verdicts; exit 1 where a row cannot be opened by any listed key."""
        by = Actor.operator()
        unreadable = self._encrypt(by)
        first_used = _note(by)
        self._judge_field_keys(unreadable, first_used)
        self._judge_peppers()
        if unreadable:
            raise SystemExit(1)

    def _encrypt(self, by: Actor) -> int:
        parts = {
            "accounts": accounts_rekeying.rekey(by=by),
            "audit": audit_keys.rekey(by=by),
            "cms": endpoints.rekey(by=by),
            "mail": mail.actions.rekey(by=by),
            "payments": payments_rekeying.rekey(by=by),
        }
        self.stdout.write(f"Encrypted again: {', '.join(f'{name} {part.done}' for name, part in parts.items())}.")
        for name, part in parts.items():
            if part.unreadable:
                words = "that no listed FIELD_KEY opens. List the key that does."
                self.stdout.write(f"  {name}: {part.unreadable} or more {words}")
        return sum(part.unreadable for part in parts.values())

    def _judge_field_keys(self, unreadable: int, first_used: datetime) -> None:
        if len(settings.FIELD_KEYS) == 1:
            self.stdout.write("FIELD_KEY: one value is listed; there is no old one.")
            return
        waiting = bookings.open_since_before(first_used)
        words = FREE_WORDS
        if unreadable or waiting:
            words = f"{KEPT_WORDS}: {waiting} open bookings may hold a token of it" if waiting else KEPT_WORDS
        for key in settings.FIELD_KEYS[1:]:
            self.stdout.write(f"FIELD_KEY {crypto.key_id(key).hex()}: no column needs it; {words}.")

    def _judge_peppers(self) -> None:
        now = db_now()
        use, links = accounts.pepper_use(now=now), cms.pepper_use(now=now)
        for pepper in settings.REFRESH_PEPPERS:
            name = tokens.pepper_id(pepper)
            found = (*use.pop(name, UNUSED), links.pop(name, 0))
            newest = pepper == settings.REFRESH_PEPPERS[0]
            words = "the newest" if newest else KEPT_WORDS if any(found) else FREE_WORDS
            self.stdout.write(f"JWT_REFRESH_SECRET {name}: {_counted(*found)}; {words}.")
        for name in sorted({*use, *links}):
            found = (*use.get(name, UNUSED), links.get(name, 0))
            self.stdout.write(f"JWT_REFRESH_SECRET {name}: not listed; {_counted(*found)} need it.")


def _counted(tokens_: int, codes: int, links: int) -> str:
    return f"{tokens_} unexpired tokens, {codes} unused backup codes, {links} open preview links"


def _note(by: Actor) -> datetime:
    """Write the run down; returns when the newest key was first seen here, after which no token came of an old one."""
    target = Target("field_key", crypto.key_id(settings.FIELD_KEYS[0]).hex(), "FIELD_KEY")
    with transaction.atomic():
        event = audit.actions.record(action="system.rekeyed", by=by, target=target)
    return (audit.selectors.events_for(target).last() or event).at
