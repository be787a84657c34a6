"""`manage.py release`: what every deploy runs once before new code serves."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from accounts.actions import keys, roles
from accounts.errors import SigningUnavailable
from audit.actions import guards
from audit.actions import keys as audit_keys
from common.actor import Actor

RELEASE_LOCK = 7_205_017  # any constant; it serialises two releases at once


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold a lock of a transaction (never of a session: PgBouncer) on a connection beside the default one."""
    guard = connections.create_connection("default")
    try:
        guard.set_autocommit(False)
        with guard.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [RELEASE_LOCK])
        yield
    finally:
        guard.close()


class Command(BaseCommand):
    """Safe to repeat and to run twice at once."""

    help = "Migrate, write roles and signing keys, make the cache table, collect static files, check the settings."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the steps in order and say each."""
        with one_at_a_time():
            self.steps()
        self.stdout.write(self.style.SUCCESS("Released."))

    def steps(self) -> None:
        """The steps themselves."""
        operator = Actor.operator()
        call_command("migrate", interactive=False, verbosity=0)
        self.stdout.write("Database: migrated.")
        call_command("createcachetable", settings.LIMITS_TABLE["LOCATION"], verbosity=0)  # with a Redis too: it may go
        roles.sync(by=operator)
        self.stdout.write("Roles: written.")
        try:
            keys.ensure(by=operator)
        except SigningUnavailable as fault:
            raise CommandError("The key of JWT_KMS_KEY_ID or JWT_PRIVATE_KEY cannot be had or cannot sign.") from fault
        audit_keys.ensure(by=operator)
        self.stdout.write("Signing keys: there.")
        guards.ensure(nets=not settings.TESTING, by=operator)  # tests plant rows by hand
        self.stdout.write("Audit log: guarded.")
        if settings.PRODUCTION:
            call_command("collectstatic", interactive=False, verbosity=0)
            self.stdout.write("Static files: collected.")
            call_command("check", deploy=True, fail_level="WARNING", verbosity=0)
        call_command("doctor", stdout=self.stdout)
