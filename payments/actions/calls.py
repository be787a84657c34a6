"""Calls to providers: written down before they are made, and what came of them afterwards."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import Q

from common.clock import db_now
from payments.constants import CALL_STALE_SECONDS, RESUMABLE_CALLS, CallState, Operation
from payments.models import Payment, ProviderCall, Refund
from payments.providers.errors import OutcomeUnknown, ProviderError, Unavailable
from payments.providers.protocol import Answer

T = TypeVar("T")
NO_ANSWER = Answer()


def begin(
    *,
    operation: Operation,
    now: datetime,
    request: dict[str, str | int],
    payment: Payment | None = None,
    refund: Refund | None = None,
    is_new: bool = False,
) -> ProviderCall:
    """Write down a call that the caller makes after its transaction. Its key holds the subject and its number.

    `is_new`: the subject was inserted by this very transaction, so there was no call before.
    """
    of_subject = ProviderCall.objects.filter(payment=payment, refund=refund, operation=operation)
    before = 0 if is_new else of_subject.count()
    subject = f"pay_{payment.pk}" if payment else f"ref_{refund.pk if refund else ''}"
    return ProviderCall.objects.create(
        payment=payment,
        refund=refund,
        operation=operation,
        seq=before + 1,
        idempotency_key=f"{subject}:{operation.value}:{before + 1}",
        request_hash=hashlib.sha256(json.dumps(request, sort_keys=True).encode()).digest(),
        state=CallState.SENT,
        started_at=now,
    )


def claim(*, call: ProviderCall, now: datetime) -> bool:
    """Whether a call without an answer is now ours to repeat: of many askers one is told yes."""
    stale = now - timedelta(seconds=CALL_STALE_SECONDS)
    free = Q(state__in=RESUMABLE_CALLS) | Q(state=CallState.SENT, started_at__lte=stale)
    if not ProviderCall.objects.filter(free, pk=call.pk).update(state=CallState.SENT, started_at=now):
        return False
    call.state, call.started_at = CallState.SENT, now
    return True


def make(*, call: ProviderCall, ask: Callable[[], T]) -> T:
    """Make the call, outside any transaction. An error is written down and raised again."""
    try:
        return ask()
    except Unavailable as error:
        _settle(call, CallState.PLANNED, error.answer)
        raise
    except OutcomeUnknown as error:
        _settle(call, CallState.UNKNOWN, error.answer)
        raise
    except ProviderError as error:
        fail(call=call, answer=error.answer)
        raise


def finish(*, call: ProviderCall, answer: Answer, now: datetime | None = None) -> None:
    """Write down that the call did what it should, in the transaction that holds its effects."""
    _settle(call, CallState.DONE, answer, now)


def fail(*, call: ProviderCall, answer: Answer) -> None:
    """Write down that the call came to nothing."""
    _settle(call, CallState.FAILED, answer)


def _settle(call: ProviderCall, state: CallState, answer: Answer, now: datetime | None = None) -> None:
    ended = now or db_now() if state in {CallState.DONE, CallState.FAILED} else None
    ProviderCall.objects.filter(pk=call.pk).update(
        state=state, http_status=answer.http_status or None, request_id=answer.request_id[:255], finished_at=ended
    )
