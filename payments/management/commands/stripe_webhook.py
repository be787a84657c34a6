"""`manage.py stripe_webhook`: have Stripe send its events to this installation."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from common.actor import Actor
from common.links import absolute
from payments.actions import endpoints
from payments.providers.errors import NotConfigured, ProviderError
from payments.providers.stripe.endpoints import Endpoint
from payments.providers.stripe.version import API_VERSION


class Command(BaseCommand):
    """Creates the endpoint and prints its secret, once; later runs bring its list of events up to date."""

    help = "Create or update the webhook endpoint at Stripe."

    def add_arguments(self, parser: CommandParser) -> None:
        """The one flag."""
        parser.add_argument("--url", default="", help="where to (default: PUBLIC_URL and the webhook's path)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it and say what to do next."""
        url = options["url"] or absolute(reverse("webhook-stripe"))
        try:
            endpoint = endpoints.register(url=url, by=Actor.operator())
        except NotConfigured as error:
            raise CommandError("Stripe is not configured: set STRIPE_SECRET.") from error
        except ProviderError as error:
            raise CommandError(f"Stripe did not take the endpoint: {error}") from error
        self._say(endpoint, url)

    def _say(self, endpoint: Endpoint, url: str) -> None:
        if endpoint.created:
            self.stdout.write(self.style.SUCCESS(f"Created {endpoint.ref} for {url}, in version {API_VERSION}."))
            self.stdout.write("Put its secret first in STRIPE_WEBHOOK_SECRET; it is not shown again:")
            self.stdout.write(endpoint.secret)
        else:
            self.stdout.write(self.style.SUCCESS(f"{endpoint.ref} for {url} is up to date, in version {API_VERSION}."))
        for ref, version in endpoint.others:
            self.stdout.write(
                f"{ref} sends to the same address in version {version}. Leave it until the new secret is deployed and "
                "the new endpoint's deliveries succeed; then disable it in Stripe's dashboard and take its secret out."
            )
