"""The WSGI application: the edge layer of public content in front of Django."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_wsgi_application()

from django.conf import settings  # noqa: E402 - settings are ready only now

from accounts.actions import keys  # noqa: E402 - models are loaded only now
from cms import edge  # noqa: E402 - as above

keys.warm_up()
application = edge.wrap(django_application) if settings.EDGE_CACHE else django_application
