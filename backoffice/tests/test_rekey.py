"""`rekey`: what is encrypted again, and which old values may go."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command

from accounts.actions import keys
from accounts.models import BackupCode, SecondFactor, SigningKey, User
from accounts.tests import factories, factors
from audit.models import AuditEvent
from bookings.constants import Status
from bookings.tests.factories import make_booking, make_offer, make_service, with_status
from cms.actions import previews
from cms.tests import factories as content
from common import clock, crypto, tokens
from common.actor import Actor
from common.errors import NotFound
from mail import secrets_box
from mail.actions import send
from mail.models import Message
from payments import client_secret
from payments.models import Payment
from payments.tests.factories import make_payment

pytestmark = pytest.mark.django_db
NEW = b"n" * 32
NO_LINKS = ", 0 open preview links"


def run() -> str:
    out = io.StringIO()
    call_command("rekey", stdout=out)
    return out.getvalue()


@pytest.fixture
def owner() -> User:
    return factories.make_user("owner@example.com")


@pytest.fixture
def old(settings: Any) -> bytes:
    """The key in use so far."""
    return bytes(django_settings.FIELD_KEYS[0])


def test_every_column_moves_to_the_newest_key(settings: Any, owner: User, old: bytes) -> None:
    app = factors.give_app(owner)
    settings.PRODUCTION = True
    keys.ensure(by=Actor.operator())
    payment = make_payment(with_status(make_booking(), Status.CONFIRMED))
    Payment.objects.filter(pk=payment.pk).update(client_secret=client_secret.seal("pi_1_secret_x", payment.pk))
    send(
        template="accounts/invitation", to="a@example.com", context={"roles": [], "hours": 1}, secrets={"link": "L"},
        key="k", by=Actor.operator(),
    )  # fmt: skip
    settings.FIELD_KEYS = [NEW, old]

    said = run()
    assert said.splitlines()[0] == "Encrypted again: accounts 2, audit 0, cms 0, mail 2, payments 1."
    assert run().splitlines()[0] == "Encrypted again: accounts 0, audit 0, cms 0, mail 0, payments 0."

    settings.FIELD_KEYS = [NEW]
    factor, key, message = SecondFactor.objects.get(), SigningKey.objects.get(), Message.objects.get(key="k")
    assert crypto.decrypt(bytes(factor.secret_ciphertext), aad=factor.secret_aad) == app.secret
    assert crypto.is_current(bytes(key.private_ciphertext or b""))
    assert secrets_box.opened(message) == {"link": "L"}
    payment.refresh_from_db()
    assert client_secret.reveal(payment) == "pi_1_secret_x"
    assert "there is no old one" in run()


def test_the_old_key_stays_while_a_booking_of_its_time_is_open(settings: Any, owner: User, old: bytes) -> None:
    booking = with_status(make_booking(), Status.CONFIRMED)
    settings.FIELD_KEYS = [NEW, old]
    name = crypto.key_id(old).hex()
    assert f"FIELD_KEY {name}: no column needs it; keep it: 1 open bookings may hold a token of it." in run()
    with clock.shift(60):
        make_booking(make_offer(make_service("other")))  # its mails carry a token of the new key
        with_status(booking, Status.COMPLETED)
        assert f"FIELD_KEY {name}: no column needs it; it may go." in run()


def test_what_no_key_opens_is_said_and_left(settings: Any, owner: User, old: bytes) -> None:
    factors.give_app(owner)
    before = bytes(SecondFactor.objects.get().secret_ciphertext)
    settings.FIELD_KEYS = [NEW]
    out = io.StringIO()

    with pytest.raises(SystemExit) as end:
        call_command("rekey", stdout=out)

    assert end.value.code == 1
    assert "accounts: 1 or more that no listed FIELD_KEY opens" in out.getvalue()
    assert bytes(SecondFactor.objects.get().secret_ciphertext) == before
    assert not AuditEvent.objects.filter(action="accounts.rekeyed").exists()


def test_peppers_are_counted_and_may_go_at_nothing(settings: Any, owner: User) -> None:
    former = settings.REFRESH_PEPPERS[0]
    factors.give_app(owner)
    factors.give_codes(owner)
    factors.challenge(owner)
    factors.signed_in(owner)
    BackupCode.objects.filter(selector="0").update(used_at=clock.db_now())
    settings.REFRESH_PEPPERS = [NEW, former]
    name, newest = tokens.pepper_id(former), tokens.pepper_id(NEW)

    said = run()
    assert f"JWT_REFRESH_SECRET {newest}: 0 unexpired tokens, 0 unused backup codes{NO_LINKS}; the newest." in said
    left = BackupCode.objects.filter(used_at__isnull=True).count()
    assert f"JWT_REFRESH_SECRET {name}: 2 unexpired tokens, {left} unused backup codes{NO_LINKS}; keep it." in said
    settings.REFRESH_PEPPERS = [NEW]
    assert (
        f"JWT_REFRESH_SECRET {name}: not listed; 2 unexpired tokens, {left} unused backup codes{NO_LINKS} need it."
        in run()
    )

    settings.REFRESH_PEPPERS = [NEW, former]
    factors.give_codes(owner)
    BackupCode.objects.exclude(batch=SecondFactor.objects.get().batch).delete()
    with clock.shift(timedelta(days=8).total_seconds()):
        assert f"JWT_REFRESH_SECRET {name}: 0 unexpired tokens, 0 unused backup codes{NO_LINKS}; it may go." in run()


def test_a_preview_link_holds_its_pepper_until_it_is_over(settings: Any) -> None:
    former = settings.REFRESH_PEPPERS[0]
    item = content.draft()
    link = previews.issue(item=item, by=content.BY, hours=5)
    previews.revoke(item=item, token_id=previews.issue(item=item, by=content.BY).id, by=content.BY)
    name, counted = tokens.pepper_id(former), "0 unexpired tokens, 0 unused backup codes, {} open preview links"

    settings.REFRESH_PEPPERS = [NEW, former]
    assert f"JWT_REFRESH_SECRET {tokens.pepper_id(NEW)}: {counted.format(0)}; the newest." in run()
    assert f"JWT_REFRESH_SECRET {name}: {counted.format(1)}; keep it." in run()
    assert previews.opened(token=link.token, kind_name="post")[0] == item
    settings.REFRESH_PEPPERS = [NEW]
    assert f"JWT_REFRESH_SECRET {name}: not listed; {counted.format(1)} need it." in run()
    with pytest.raises(NotFound):
        previews.opened(token=link.token, kind_name="post")

    settings.REFRESH_PEPPERS = [NEW, former]
    with clock.shift(timedelta(hours=6).total_seconds()):
        assert f"JWT_REFRESH_SECRET {name}: {counted.format(0)}; it may go." in run()


def test_the_run_is_written_down(settings: Any, owner: User, old: bytes) -> None:
    factors.give_app(owner)
    settings.FIELD_KEYS = [NEW, old]
    run()
    event = AuditEvent.objects.get(action="system.rekeyed")
    assert (event.actor_kind, event.target_id) == ("operator", crypto.key_id(NEW).hex())
    assert AuditEvent.objects.get(action="accounts.rekeyed").meta == {"factors": 1, "keys": 0}
