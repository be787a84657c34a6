#!/usr/bin/env python
"""Django's command line; `manage.py help` lists the commands."""

import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line

from accounts.management.commands import generate_secrets

if __name__ == "__main__":
    if sys.argv[1:2] == ["generate_secrets"]:  # the settings refuse to load without what it prints
        settings.configure()
        generate_secrets.Command().run_from_argv(sys.argv)
    else:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        execute_from_command_line(sys.argv)
