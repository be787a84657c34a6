"""Jobs of this app: deliver a message, raise an alert."""

import logging

from django.conf import settings

from common.handlers import JobRun, PermanentError, job, minutes
from common.links import absolute
from jobs.constants import ALERT_KIND
from mail import ports
from mail.actions import delivery, outbox, send
from mail.constants import ALERT_TEMPLATE, DELIVER, DELIVER_ATTEMPTS
from mail.errors import DeliveryFailed
from mail.models import Message
from mail.providers import outgoing
from mail.providers.outgoing import HandoverFailed
from mail.providers.verdicts import Verdict

logger = logging.getLogger(__name__)


@job(DELIVER, queue="mail", max_attempts=DELIVER_ATTEMPTS, time_limit=60)
def deliver(run: JobRun, *, message_id: str) -> None:
    """Send one message: `sending` is committed before the call, the outcome together with the job's end."""
    message = delivery.begin(message_id=message_id, by=run.by)
    if message is None:
        return
    try:
        email = outgoing.build(message)
    except Exception as error:
        logger.warning("mail_not_rendered", exc_info=True)
        _give_up(run, message, f"The message cannot be rendered: {type(error).__name__}: {error}")
        return
    try:
        with run.outside("hand_over"):
            receipt = outgoing.hand_over(email)
    except HandoverFailed as failure:
        _judge(run, message, failure)
        return
    with run.effects():
        delivery.sent(message=message, provider_id=receipt.provider_id, file_name=receipt.file_name, by=run.by)


def _judge(run: JobRun, message: Message, failure: HandoverFailed) -> None:
    """Act on the verdict: a second attempt, an end, or a state that says that nobody knows."""
    detail, is_last = str(failure), run.attempt >= DELIVER_ATTEMPTS
    is_unknown = failure.verdict is Verdict.UNKNOWN
    if is_unknown and (is_last or not ports.is_repeatable(message.template)):
        with run.effects():
            delivery.lose(message=message, error=detail, provider_id=failure.provider_id, by=run.by)
    elif failure.verdict is Verdict.BOUNCED:
        _bounce(run, message, detail)
    elif failure.verdict is Verdict.PERMANENT or is_last:
        _give_up(run, message, detail)
    else:
        delivery.postpone(message=message, error=detail, by=run.by)
        raise DeliveryFailed(detail) from failure


def _bounce(run: JobRun, message: Message, detail: str) -> None:
    """End the message as the provider's report of a hard bounce would: nothing is broken here, so nobody is alerted."""
    with run.effects():
        delivery.bounce(message=message, error=detail, by=run.by)
    if message.template == ALERT_TEMPLATE:
        logger.error("alert_not_mailed", extra={"key": message.key, "reason": detail})


def _give_up(run: JobRun, message: Message, detail: str) -> None:
    """End the message as failed and its job as dead, which raises an alert; but for an alert's own mail.

    That one would raise an alert that cannot be mailed either, and so on without end.
    """
    if message.template == ALERT_TEMPLATE:
        with run.effects():
            delivery.fail(message=message, error=detail, by=run.by)
        logger.error("alert_not_mailed", extra={"key": message.key, "reason": detail})
        return
    delivery.fail(message=message, error=detail, by=run.by)
    raise PermanentError(detail)


@job("mail.sweep", queue="mail", every=minutes(10))
def sweep(run: JobRun) -> None:
    """Take up messages that their worker left in `sending` with no attempt to come."""
    with run.effects():
        outbox.requeue_abandoned(by=run.by)


@job(ALERT_KIND, queue="mail")
def alert(run: JobRun, *, code: str, record: str, summary: str = "", path: str = "") -> None:
    """Mail an alert to ALERT_EMAIL, else to every Owner: one message a (code, record) and address.

    It links to the record and to the code's page of the runbook. `record` names what it is about; `path` is its page
    on this back end, such as `/admin/jobs/job/<id>/change/`.
    """
    recipients = settings.ALERT_EMAIL or ports.owners()
    if not recipients:
        logger.warning("alert_without_recipients", extra={"code": code, "record": record})
    context = {"code": code, "record": record, "summary": summary, "url": absolute(path) if path else ""}
    context["runbook_url"] = absolute(f"/docs/runbook/{code}")
    with run.effects():
        for address in recipients:
            send(
                template=ALERT_TEMPLATE,
                to=address,
                context=context,
                key=f"alert:{code}:{record}:{address}",
                by=run.by,
            )
