#!/usr/bin/env python
"""Django's command line; `manage.py help` lists the commands."""

import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.db import OperationalError, connection

from accounts.management.commands import generate_secrets


def main() -> None:
    """Run the command; a database that is away is one sentence, unless `--traceback` asks for all of it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except OperationalError as error:
        if connection.connection is not None or "--traceback" in sys.argv:
            raise
        sys.exit(f"The database is away, or DATABASE_URL is wrong: {str(error).splitlines()[0]}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["generate_secrets"]:  # the settings refuse to load without what it prints
        settings.configure()
        generate_secrets.Command().run_from_argv(sys.argv)
    else:
        main()
