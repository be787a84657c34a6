"""One file for the customer's bank: the booking, consent, mails, receipt and timeline."""

import pytest
from django.test import Client

from accounts.tests.factories import make_user, open_admin
from audit.models import AuditEvent
from jobs.testing import run_due
from payments.actions import evidence
from payments.models import Dispute
from payments.tests.factories import BY, begin, deliver_all, make_dispute, make_payment, pay

pytestmark = pytest.mark.django_db


@pytest.fixture
def dispute(twin, booking):
    pay(twin, begin(booking), "pm_card_createDispute")
    deliver_all(twin)
    run_due()
    return Dispute.objects.get()


def signed_in(role):
    user = make_user(f"{role.lower()}@example.com", held=(role,))
    client = Client()
    client.force_login(user)
    open_admin(client, user)
    return client


def test_all_that_we_know_is_in_one_file(dispute, booking):
    name, page = evidence.export(dispute_id=dispute.pk, by=BY)
    booking.refresh_from_db()
    assert name == f"evidence-{booking.reference}-{dispute.provider_ref}.html"
    for words in (
        booking.reference, booking.customer_name, booking.customer_email, f"version {booking.consent_version}",
        "KES 2,500.00", "KES 750.00", f"Receipt for {booking.reference}", "we have received your payment",
        "payment.succeeded", "dispute.opened", "booking.confirmed", "charge.dispute.created", dispute.reason,
        dispute.payment.provider_charge_ref,
    ):  # fmt: skip
        assert words in page, words
    assert page.index("booking.held" if "booking.held" in page else "booking.created") < page.index("dispute.opened")
    assert "bk_" not in page, "no link of a mail may open the booking for whoever reads the evidence"
    assert "src=" not in page
    assert AuditEvent.objects.filter(action="dispute.evidence_exported", target_id=str(dispute.pk)).count() == 1


def test_what_a_customer_wrote_is_no_markup(booking):
    booking.notes = "<script>alert(1)</script>"
    booking.save(update_fields=["notes"])
    dispute = make_dispute(make_payment(booking))
    _, page = evidence.export(dispute_id=dispute.pk, by=BY)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_download(dispute):
    auditor = signed_in("Auditor")
    page = auditor.get(f"/admin/payments/dispute/{dispute.pk}/change/").content.decode()
    address = f"/admin/payments/dispute/{dispute.pk}/evidence/"
    assert address in page
    assert "13 days (" in page or "14 days (" in page or " days (" in page
    answer = auditor.get(address)
    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith('attachment; filename="evidence-')
    assert AuditEvent.objects.get(action="dispute.evidence_exported").actor_kind == "staff"
    assert auditor.get(f"/admin/payments/dispute/{dispute.payment_id}/evidence/").status_code == 404


def test_who_may_not_have_it(dispute):
    assert signed_in("Author").get(f"/admin/payments/dispute/{dispute.pk}/evidence/").status_code == 403
    assert Client().get(f"/admin/payments/dispute/{dispute.pk}/evidence/").status_code == 302
    assert not AuditEvent.objects.filter(action="dispute.evidence_exported").exists()
