"""What this app tells the apps below it."""

from common.actor import Actor
from mail import ports as mail_ports
from payments import selectors
from payments.actions import receipts


def register() -> None:
    """Fill mail's registry."""
    mail_ports.register_resend(receipts.TEMPLATE, send_again)
    mail_ports.register_repeatable(receipts.TEMPLATE)


def send_again(*, mail: mail_ports.SentMail, by: Actor) -> None:
    """Send the receipt again, with the present amounts and a fresh link."""
    payment = selectors.payment_by_id(str(mail.context["payment_id"]))
    receipts.send_receipt(payment=payment, by=by, key=f"payment:{payment.pk}:receipt:{mail.id}")
