"""What django-otp asks of a device: the same counters, the same consumption and the same audit as at every door.

`django_otp.verify_token` calls it inside a transaction that holds the factor's lock. So nothing locks the user here,
and refusals are written down once that transaction has ended.
"""

from functools import partial

from django.db import transaction

import audit.actions
from accounts import locks
from accounts.actions import codes
from accounts.actions.codes import Verdict
from accounts.constants import METHOD_BACKUP_CODE, METHOD_TOTP
from accounts.errors import SecondFactorLocked
from accounts.models import SecondFactor
from common.actor import Actor
from common.clock import db_now
from common.target import Target


def verify_app_code(*, device: SecondFactor, code: str) -> bool:
    """Whether a code of the app is right for a confirmed factor; it is used up then."""
    return _verify(device, code, METHOD_TOTP)


def verify_backup_code(*, device: SecondFactor, code: str) -> bool:
    """Whether a backup code is right and unused; it is used up then."""
    return _verify(device, code, METHOD_BACKUP_CODE)


def _verify(device: SecondFactor, code: str, method: str) -> bool:
    by, user, now = Actor.system("django-otp"), device.user, db_now()
    refused = partial(audit.actions.record_refused, by=by, target=Target.of(user))
    with transaction.atomic():
        factor = locks.confirmed_factor(user)
        if factor is None or factor.pk != device.pk or not user.is_active:
            return False
        try:
            codes.count(user=user, method=method, now=now)
        except SecondFactorLocked:
            transaction.on_commit(partial(refused, action=codes.LOCKED_EVENT))
            return False
        evidence = codes.look(user=user, code=code, method=method, now=now)
        verdict = codes.consume(evidence=evidence, factor=factor, now=now)
        if verdict is not Verdict.RIGHT:
            transaction.on_commit(partial(refused, action=codes.event_of(method=method, verdict=verdict)))
            return False
        codes.accepted(user=user, evidence=evidence, now=now, by=by)
        if method == METHOD_TOTP:
            audit.actions.record(action="2fa.verified", by=by, target=Target.of(user))
    return True
