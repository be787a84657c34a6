"""django-otp around our device: its helpers run our action, with our counters, locks and audit."""

from collections.abc import Callable
from typing import Any

import django_otp
import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.cache import SessionStore
from django.http import HttpResponse
from django.test import RequestFactory
from django_otp.middleware import OTPMiddleware
from django_otp.models import Device

from accounts import selectors
from accounts.actions import codes
from accounts.models import BackupCodeDevice, GuessCounter, SecondFactor
from accounts.tests import factors
from accounts.tests.factors import VERIFY, App, answer, challenge, outcome
from audit.models import AuditEvent
from config.rates import Rate

pytestmark = pytest.mark.django_db
Callbacks = Callable[..., Any]


def device_of(app: App) -> SecondFactor:
    found = selectors.second_factor(app.user)
    assert found is not None
    return found


def test_a_device_is_found_by_its_persistent_id(ana: App) -> None:
    device = device_of(ana)
    assert device.persistent_id == f"accounts.secondfactor/{device.pk.int}"
    assert Device.from_persistent_id(device.persistent_id) == device
    assert Device.from_persistent_id("accounts.secondfactor/7") is None
    assert Device.from_persistent_id("accounts.secondfactor/x") is None
    proxy = BackupCodeDevice.objects.get()
    found = Device.from_persistent_id(proxy.persistent_id)
    assert isinstance(found, BackupCodeDevice)


def test_django_otp_verifies_by_our_action(ana: App) -> None:
    device = device_of(ana)
    assert django_otp.verify_token(ana.user, device.persistent_id, ana.code()) == device
    device.refresh_from_db()
    assert device.last_step > 0
    assert AuditEvent.objects.get(action="2fa.verified").target_id == str(ana.user.pk)
    assert django_otp.verify_token(ana.user, device.persistent_id, ana.code()) is None
    assert outcome(answer(VERIFY, challenge(ana.user), ana.code())) == (401, "code_invalid")


def test_its_failures_count_and_are_written_down_after_the_commit(
    ana: App, settings: Any, django_capture_on_commit_callbacks: Callbacks
) -> None:
    settings.RATES = {**settings.RATES, "VERIFY_SECOND_FACTOR_USER": Rate(2, 900)}
    device = device_of(ana)
    with django_capture_on_commit_callbacks(execute=True):
        results = [django_otp.verify_token(ana.user, device.persistent_id, ana.wrong()) for _ in range(2)]
        results.append(django_otp.verify_token(ana.user, device.persistent_id, ana.code()))
    assert results == [None, None, None]
    written = AuditEvent.objects.filter(action__startswith="2fa").order_by("id").values_list("action", "outcome")
    assert list(written) == [("2fa.failed", "refused"), ("2fa.failed", "refused"), ("2fa.locked", "refused")]
    assert GuessCounter.objects.get(rule=codes.IN_A_ROW).count == 2
    assert outcome(answer(VERIFY, challenge(ana.user), ana.code())) == (429, "second_factor_locked")


def test_another_users_device_verifies_nothing(ana: App) -> None:
    ben = factors.colleague()
    assert django_otp.verify_token(ben.user, device_of(ana).persistent_id, ana.code()) is None
    assert device_of(ana).last_step == 0


def test_neither_does_one_that_is_pending_or_of_a_closed_account(ana: App) -> None:
    device = device_of(ana)
    ana.user.is_active = False
    ana.user.save()
    assert not device_of(ana).verify_token(ana.code())
    ana.user.is_active = True
    ana.user.save()
    SecondFactor.objects.update(confirmed=False, confirmed_at=None, expires_at=device.created_at)
    assert not SecondFactor.objects.get().verify_token(ana.code())
    assert not GuessCounter.objects.exists()


def test_the_other_device_takes_backup_codes(ana: App) -> None:
    written = factors.give_codes(ana.user)
    device = BackupCodeDevice.objects.get()
    assert django_otp.verify_token(ana.user, device.persistent_id, written[0]) == device
    assert django_otp.verify_token(ana.user, device.persistent_id, written[0]) is None
    assert django_otp.verify_token(ana.user, device.persistent_id, ana.code()) is None
    assert selectors.backup_codes_remaining(ana.user) == 9
    assert AuditEvent.objects.get(action="2fa.backup_used").actor_id == "django-otp"


def test_only_confirmed_factors_are_a_users_devices(ana: App) -> None:
    device = device_of(ana)
    assert list(django_otp.devices_for_user(ana.user)) == [device]
    assert django_otp.user_has_device(ana.user)
    SecondFactor.objects.update(confirmed=False, confirmed_at=None, expires_at=device.created_at)
    assert not django_otp.user_has_device(ana.user)
    assert list(django_otp.devices_for_user(ana.user, confirmed=None)) == [device]
    assert not django_otp.user_has_device(AnonymousUser())


def test_the_middleware_finds_the_device_until_it_is_replaced(ana: App, rf: RequestFactory) -> None:
    def served() -> Any:
        request: Any = rf.get("/")
        request.user, request.session = ana.user, browser
        OTPMiddleware(lambda _: HttpResponse())(request)
        return request

    browser = SessionStore()
    assert not served().user.is_verified()
    django_otp.login(served(), device_of(ana))
    assert served().user.is_verified()
    assert served().user.otp_device == device_of(ana)
    SecondFactor.objects.all().delete()
    factors.give_app(ana.user)
    assert not served().user.is_verified()


def test_a_device_written_out_tells_no_secret(ana: App) -> None:
    assert str(device_of(ana)) == f"{ana.user.pk} confirmed"
    assert ana.secret.hex() not in repr(device_of(ana))
