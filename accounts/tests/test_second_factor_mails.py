"""What a user hears about the second factor, as it leaves."""

from typing import Any

import pytest
from django.db import transaction

from accounts.actions import factor_mails
from accounts.models import User
from common import clock
from common.actor import Actor
from jobs.testing import run_due
from mail.models import Message

pytestmark = pytest.mark.django_db
SUBJECTS = {
    factor_mails.ENABLED: "A second factor was enabled for your account",
    factor_mails.DISABLED: "The second factor of your account was switched off",
    factor_mails.RESET: "Your second factor was reset",
    factor_mails.BACKUP_CODE_USED: "A backup code of your account was used",
    factor_mails.BACKUP_CODES_LOW_MAIL: "You have few backup codes left",
}


@pytest.fixture
def sent(owner: User, mailoutbox: list[Any]) -> dict[str, Any]:
    """Every mail of the second factor by its subject, to a user with a name that needs escaping."""
    User.objects.update(first_name="Ana <b>")
    owner.refresh_from_db()
    now, by = clock.db_now(), Actor.staff(owner)
    with transaction.atomic():
        for template in (factor_mails.ENABLED, factor_mails.DISABLED, factor_mails.RESET):
            factor_mails.changed(user=owner, template=template, now=now, by=by)
        factor_mails.backup_code_used(user=owner, remaining=1, now=now, by=by)
    run_due()
    return {one.subject: one for one in mailoutbox}


def test_each_mail_leaves_once_to_its_user(sent: dict[str, Any], owner: User) -> None:
    assert set(sent) == set(SUBJECTS.values())
    assert set(SUBJECTS) == set(factor_mails.TEMPLATES)
    assert {tuple(one.to) for one in sent.values()} == {(owner.email,)}
    assert set(Message.objects.values_list("state", flat=True)) == {"sent"}


def test_both_parts_name_the_person_and_the_way_on(sent: dict[str, Any]) -> None:
    for one in sent.values():
        html = one.alternatives[0][0]
        assert "Hello Ana <b>," in one.body
        assert "Hello Ana &lt;b&gt;," in html
        for part in (one.body, html):
            assert "http://testserver/" in part
            assert "{{" not in part
            assert "{%" not in part


def test_the_numbers_are_told(sent: dict[str, Any]) -> None:
    assert "You have 1 left." in sent[SUBJECTS[factor_mails.BACKUP_CODE_USED]].body
    assert "you have 1 backup code left." in sent[SUBJECTS[factor_mails.BACKUP_CODES_LOW_MAIL]].body.lower()
    assert " UTC" in sent[SUBJECTS[factor_mails.ENABLED]].body


def test_a_mail_about_codes_is_sent_only_when_few_are_left(owner: User) -> None:
    with transaction.atomic():
        for remaining, second in ((4, 1), (3, 2), (0, 3)):
            with clock.shift(second):
                now = clock.db_now()
                factor_mails.backup_code_used(user=owner, remaining=remaining, now=now, by=Actor.staff(owner))
    templates = list(Message.objects.values_list("template", flat=True))
    assert templates.count(factor_mails.BACKUP_CODE_USED) == 3
    assert templates.count(factor_mails.BACKUP_CODES_LOW_MAIL) == 2
