"""The payments part of `manage.py rekey`."""

from common import rekeying
from common.actor import Actor
from common.rekeying import Rekeyed
from payments import client_secret
from payments.models import Payment


def rekey(*, by: Actor) -> Rekeyed:
    """Encrypt the client secrets of open payments again under the newest FIELD_KEY.

    What was done is in the command's audit event, so nothing is recorded for `by` here.
    """
    return rekeying.rekey(Payment.objects.all(), column="client_secret", sealed_again=_sealed_again)


def _sealed_again(payment: Payment) -> bytes | None:
    return client_secret.seal(client_secret.reveal(payment), payment.pk)
