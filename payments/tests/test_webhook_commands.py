"""`manage.py stripe_webhook` and `manage.py webhooks replay`."""

import io

import pytest
import stripe
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from jobs.models import Job
from jobs.testing import run_due
from payments.constants import EventState, Status
from payments.models import LedgerTransaction, Payment, PaymentEvent
from payments.providers.stripe.constants import HANDLED_EVENTS
from payments.tests.factories import begin, deliver, deliver_all, pay, sdk

pytestmark = pytest.mark.django_db
URL = "http://127.0.0.1:9/api/payments/webhooks/stripe"


def run(*words):
    """What a command says."""
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue().splitlines()


def endpoints(twin):
    return sdk(twin).v1.webhook_endpoints.list().data


class TestStripeWebhook:
    def test_it_is_created_in_our_version_and_its_secret_shown_once(self, twin):
        lines = run("stripe_webhook", "--url", URL)
        (made,) = endpoints(twin)
        assert lines[0] == f"Created {made.id} for {URL}, in version {stripe.api_version}."
        assert lines[2].startswith("whsec_")
        assert (made.url, made.api_version, made.status) == (URL, stripe.api_version, "enabled")
        assert set(made.enabled_events) == set(HANDLED_EVENTS)
        assert "payment_intent.created" not in made.enabled_events
        assert AuditEvent.objects.get(action="payment.endpoint_registered").actor_kind == "operator"
        lines = run("stripe_webhook", "--url", URL)
        assert lines == [f"{made.id} for {URL} is up to date, in version {stripe.api_version}."]
        assert len(endpoints(twin)) == 1

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
    def test_the_endpoint_of_the_twins_own_launcher_is_ours_under_any_name_of_this_machine(self, twin, host):
        own = twin.send_webhooks_to(URL)
        address = URL.replace("127.0.0.1", host)
        assert run("stripe_webhook", "--url", address) == [
            f"{own} for {address} is up to date, in version {stripe.api_version}."
        ]
        assert [one.id for one in endpoints(twin)] == [own]
        other = URL.replace("127.0.0.1:9/", f"{host}:10/")
        assert run("stripe_webhook", "--url", other)[0].startswith("Created ")
        assert len(endpoints(twin)) == 2

    def test_an_old_list_of_events_is_brought_up_to_date(self, twin):
        made = sdk(twin).v1.webhook_endpoints.create(
            {"url": URL, "enabled_events": ["charge.refunded"], "api_version": stripe.api_version}
        )
        sdk(twin).v1.webhook_endpoints.update(made.id, {"disabled": True})
        run("stripe_webhook", "--url", URL)
        (now,) = endpoints(twin)
        assert (now.id, now.status, set(now.enabled_events)) == (made.id, "enabled", set(HANDLED_EVENTS))

    def test_another_version_gets_a_neighbour_and_a_word_about_when_to_end_it(self, twin):
        old = sdk(twin).v1.webhook_endpoints.create(
            {"url": URL, "enabled_events": ["*"], "api_version": "2020-01-01.old"}
        )
        lines = run("stripe_webhook", "--url", URL)
        assert len(endpoints(twin)) == 2
        assert lines[-1].startswith(f"{old.id} sends to the same address in version 2020-01-01.old. Leave it until")

    def test_what_stripe_refuses_and_what_is_not_configured(self, twin, settings):
        for refused in ("https://studio.example/hook", "http://localhost:x/hook", "http://[::1/hook", "hook"):
            with pytest.raises(CommandError, match="Stripe did not take the endpoint"):
                run("stripe_webhook", "--url", refused)
        settings.PAYMENTS_MODE = "off"
        with pytest.raises(CommandError, match="set STRIPE_SECRET"):
            run("stripe_webhook", "--url", URL)
        assert endpoints(twin) == []
        assert AuditEvent.objects.count() == 0


class TestReplay:
    def test_an_applied_event_changes_nothing_again(self, twin, booking):
        pay(twin, begin(booking))
        deliver_all(twin)
        before = Payment.objects.values().get(), LedgerTransaction.objects.count()
        (event,) = twin.events("payment_intent.succeeded")
        assert run("webhooks", "replay", event["id"]) == [f"{event['id']}: queued"]
        assert PaymentEvent.objects.get(event_id=event["id"]).state == EventState.RECEIVED
        run_due()
        stored = PaymentEvent.objects.get(event_id=event["id"])
        assert (stored.state, stored.outcome) == (EventState.PROCESSED, "unchanged")
        assert (Payment.objects.values().get(), LedgerTransaction.objects.count()) == before
        assert AuditEvent.objects.get(action="payment.event_replayed").actor_kind == "operator"

    def test_an_event_whose_job_is_dead_is_applied_after_all(self, twin, booking):
        pay(twin, begin(booking))
        (event,) = twin.events("payment_intent.succeeded")
        deliver(event)
        Job.objects.filter(kind="payments.apply_event").delete()
        run("webhooks", "replay", event["id"])
        run_due()
        assert Payment.objects.get().status == Status.SUCCEEDED

    def test_what_is_not_for_us_stays_ignored(self, twin, booking):
        begin(booking)
        (event,) = twin.events("payment_intent.created")
        deliver(event)
        assert run("webhooks", "replay", event["id"]) == [f"{event['id']}: stays ignored (unknown_type)"]
        assert not Job.objects.filter(kind="payments.apply_event").exists()

    def test_an_event_of_the_other_mode_stays_ignored(self, twin, booking):
        pay(twin, begin(booking))
        (event,) = twin.events("payment_intent.succeeded")
        deliver(event | {"livemode": True})
        assert run("webhooks", "replay", event["id"]) == [f"{event['id']}: stays ignored (other_mode)"]
        assert not Job.objects.filter(kind="payments.apply_event").exists()

    def test_unknown_ones_are_named_and_the_others_queued(self, twin, booking):
        pay(twin, begin(booking))
        deliver_all(twin)
        (event,) = twin.events("payment_intent.succeeded")
        with pytest.raises(CommandError, match="Not in the inbox: evt_none"):
            run("webhooks", "replay", "evt_none", event["id"])
        assert PaymentEvent.objects.get(event_id=event["id"]).state == EventState.RECEIVED
