"""Section 2.2 of the contract: signing in, the second step, sessions."""

from typing import Any

from accounts.models import LoginChallenge, Session, User
from accounts.tests import factories, factors
from accounts.tests.contract.world import NO_ID, World, case
from accounts.tests.contract.world import A as AUTH
from accounts.tests.factories import PASSWORD
from common import clock
from common.clock import db_now

LOGIN, REFRESH, LOGOUT = f"{AUTH}login", f"{AUTH}refresh", f"{AUTH}logout"
BY_COOKIE = {"HTTP_X_REFRESH_TRANSPORT": "cookie"}
FIRST = ("login.succeeded_first_factor",)


def guess(w: World, password: str = PASSWORD, email: str = "owner@example.com") -> Any:
    return w.client().post(LOGIN, {"email": email, "password": password})


@case("login", 200, events=(*FIRST, "session.created"), name="tokens")
def signed_in(w: World) -> Any:
    w.owner, w.mark()
    return guess(w)


@case("login", 200, events=FIRST, name="challenge")
def asked_for_a_code(w: World) -> Any:
    w.app, w.mark()
    return guess(w)


@case("login", 200, events=FIRST, name="enrolment")
def asked_to_enrol(w: World) -> Any:
    w.settings.STAFF_TWO_FACTOR = "required"
    User.objects.filter(pk=w.owner.pk).update(enrollment_open_until=db_now().replace(year=2100))
    w.mark()
    return guess(w)


@case("login", 403, "enrollment_window_closed", events=FIRST)
def too_late_to_enrol(w: World) -> Any:
    w.settings.STAFF_TWO_FACTOR = "required"
    w.owner, w.mark()
    return guess(w)


@case("login", 401, "invalid_credentials", events=("login.failed",), name="wrong")
def wrong(w: World) -> Any:
    w.owner, w.mark()
    return guess(w, "wrong")


@case("login", 401, "invalid_credentials", events=("login.failed",), name="unknown")
def unknown(w: World) -> Any:
    w.owner, w.mark()
    return guess(w, email="nobody@example.com")


@case("login", 429, "rate_limited", events=("login.throttled",), name="account")
def throttled(w: World) -> Any:
    w.limit("LOGIN_IP_ACCOUNT"), w.owner, guess(w, "wrong"), w.mark()
    return guess(w)


@case("login", 429, "rate_limited", name="address")
def throttled_address(w: World) -> Any:
    w.limit("LOGIN_IP"), w.owner, guess(w, "wrong"), w.mark()
    return guess(w)


@case("login", 503, "signing_unavailable", events=FIRST)
def login_without_keys(w: World) -> Any:
    w.owner, w.no_keys(), w.mark()
    return guess(w)


def _answer(w: World, path: str, token: str, code: str) -> Any:
    return w.client().post(f"{AUTH}2fa/{path}", {"challenge_token": token, "code": code})


def _codes(w: World) -> tuple[str, list[str]]:
    token = w.challenge()
    return token, factors.give_codes(w.owner)


@case("verifySecondFactor", 200, events=("2fa.verified", "session.created"))
def verified(w: World) -> Any:
    token = w.challenge()
    w.mark()
    return _answer(w, "verify", token, w.app.code())


@case("verifySecondFactor", 401, "code_invalid", events=("2fa.failed",))
def wrong_code(w: World) -> Any:
    token = w.challenge()
    w.mark()
    return _answer(w, "verify", token, w.app.wrong())


@case("verifySecondFactor", 401, "code_invalid", events=("2fa.replayed",), name="replayed")
def replayed_code(w: World) -> Any:
    first, second = w.challenge(), w.challenge()
    code = w.app.code()
    _answer(w, "verify", first, code), w.mark()
    return _answer(w, "verify", second, code)


@case("verifyBackupCode", 200, events=("2fa.backup_used", "session.created"))
def backup_used(w: World) -> Any:
    token, codes = _codes(w)
    w.mark()
    return _answer(w, "backup/verify", token, codes[0])


@case("verifyBackupCode", 401, "code_invalid", events=("2fa.backup_failed",))
def backup_wrong(w: World) -> Any:
    token, codes = _codes(w)
    wrong = codes[0][:-1] + ("A" if codes[0][-1] != "A" else "B")
    w.mark()
    return _answer(w, "backup/verify", token, wrong)


SECOND = {
    "verifySecondFactor": ("verify", "2fa.failed", lambda w: w.app.wrong()),
    "verifyBackupCode": ("backup/verify", "2fa.backup_failed", lambda _: "1-AAAA-AAAA-AAAA"),
}
for _operation, (_path, _failed, _wrong) in SECOND.items():

    @case(_operation, 401, "challenge_invalid")
    def _unknown(w: World, path: str = _path) -> Any:
        w.app, w.mark()
        return _answer(w, path, "ch_" + "A" * 43, "123456")

    @case(_operation, 401, "challenge_exhausted", events=(_failed,))
    def _fifth(w: World, path: str = _path, wrong: Any = _wrong) -> Any:
        token = w.challenge()
        LoginChallenge.objects.update(failures=4)
        w.mark()
        return _answer(w, path, token, wrong(w))

    @case(_operation, 429, "second_factor_locked", events=("2fa.locked",))
    def _locked(w: World, path: str = _path, wrong: Any = _wrong) -> Any:
        w.limit("VERIFY_SECOND_FACTOR_USER")
        token = w.challenge()
        _answer(w, path, token, wrong(w)), w.mark()
        return _answer(w, path, token, wrong(w))

    @case(_operation, 429, "rate_limited")
    def _too_often(w: World, path: str = _path) -> Any:
        w.limit("VERIFY_SECOND_FACTOR_IP"), _answer(w, path, "ch_x", "123456"), w.mark()
        return _answer(w, path, "ch_x", "123456")

    @case(_operation, 503, "signing_unavailable")
    def _no_keys(w: World, operation: str = _operation, path: str = _path) -> Any:
        token, codes = _codes(w)
        w.no_keys(), w.mark()
        return _answer(w, path, token, w.app.code() if operation == "verifySecondFactor" else codes[0])


def _refresh(w: World, raw: str) -> Any:
    return w.client().post(REFRESH, {"refresh": raw})


@case("refresh", 200, events=("session.refreshed",))
def refreshed(w: World) -> Any:
    raw = w.login()["refresh"]
    w.mark()
    return _refresh(w, raw)


@case("refresh", 200, events=("session.refresh_retried",), name="retried")
def retried(w: World) -> Any:
    raw = w.login()["refresh"]
    _refresh(w, raw), w.mark()
    return _refresh(w, raw)


@case("refresh", 401, "refresh_reused", events=("session.reuse_detected",))
def reused(w: World) -> Any:
    w.settings.REFRESH_GRACE_SECONDS = 0
    raw = w.login()["refresh"]
    _refresh(w, raw), w.mark()
    return _refresh(w, raw)


@case("refresh", 401, "refresh_invalid")
def refresh_unknown(w: World) -> Any:
    w.mark()
    return _refresh(w, "rt_" + "A" * 43)


@case("refresh", 401, "refresh_expired")
def refresh_late(w: World) -> Any:
    with clock.shift(-86_401):
        raw = w.login()["refresh"]
    w.mark()
    return _refresh(w, raw)


@case("refresh", 401, "session_revoked")
def refresh_revoked(w: World) -> Any:
    raw = w.login()["refresh"]
    w.client().post(LOGOUT, {"refresh": raw}), w.mark()
    return _refresh(w, raw)


@case("refresh", 401, "user_inactive")
def refresh_inactive(w: World) -> Any:
    raw = w.login()["refresh"]
    User.objects.update(is_active=False), w.mark()
    return _refresh(w, raw)


@case("refresh", 403, "csrf_failed")
def refresh_forged(w: World) -> Any:
    client = w.client()
    client.post(LOGIN, {"email": w.owner.email, "password": PASSWORD}, **BY_COOKIE), w.mark()
    return client.post(REFRESH, {})


@case("refresh", 429, "rate_limited")
def refresh_too_often(w: World) -> Any:
    w.limit("REFRESH_IP"), _refresh(w, "rt_x"), w.mark()
    return _refresh(w, "rt_x")


@case("refresh", 503, "signing_unavailable")
def refresh_without_keys(w: World) -> Any:
    raw = w.login()["refresh"]
    w.no_keys(), w.mark()
    return _refresh(w, raw)


@case("logout", 204, events=("session.logged_out",))
def logged_out(w: World) -> Any:
    raw = w.login()["refresh"]
    w.mark()
    return w.client().post(LOGOUT, {"refresh": raw})


@case("logout", 204, name="unknown")
def logged_out_of_nothing(w: World) -> Any:
    w.mark()
    return w.client().post(LOGOUT, {"refresh": "rt_x"})


@case("logout", 403, "csrf_failed")
def logout_forged(w: World) -> Any:
    client = w.client()
    client.post(LOGIN, {"email": w.owner.email, "password": PASSWORD}, **BY_COOKIE), w.mark()
    return client.post(LOGOUT, {})


@case("logout", 429, "rate_limited")
def logout_too_often(w: World) -> Any:
    w.limit("LOGOUT_IP"), w.client().post(LOGOUT, {}), w.mark()
    return w.client().post(LOGOUT, {})


@case("logoutAll", 200, events=("session.all_revoked",))
def logged_out_everywhere(w: World) -> Any:
    w.signed, w.mark()
    return w.signed.post(f"{AUTH}logout-all", {})


@case("logoutAll", 429, "rate_limited")
def logout_all_too_often(w: World) -> Any:
    w.limit("LOGOUT_ALL_USER"), w.signed.post(f"{AUTH}logout-all", {"keep_current": True}), w.mark()
    return w.signed.post(f"{AUTH}logout-all", {"keep_current": True})


@case("listSessions", 200)
def sessions_listed(w: World) -> Any:
    w.signed, w.mark()
    return w.signed.get(f"{AUTH}sessions")


@case("revokeSession", 204, events=("session.revoked",))
def session_revoked(w: World) -> Any:
    w.signed, factories.sign_in(w.owner), w.mark()
    return w.signed.delete(f"{AUTH}sessions/{Session.objects.order_by('-created_at')[0].pk}")


@case("revokeSession", 404, "not_found")
def session_of_another(w: World) -> Any:
    w.signed, factories.sign_in(factories.make_user("ben@example.com")), w.mark()
    return w.signed.delete(f"{AUTH}sessions/{Session.objects.get(user__email='ben@example.com').pk}")


@case("revokeSession", 429, "rate_limited")
def session_revoked_too_often(w: World) -> Any:
    w.limit("REVOKE_SESSION_USER"), w.signed.delete(f"{AUTH}sessions/{NO_ID}"), w.mark()
    return w.signed.delete(f"{AUTH}sessions/{NO_ID}")


@case("getMe", 200)
def me(w: World) -> Any:
    w.signed, w.mark()
    return w.signed.get(f"{AUTH}me")


def _again(client: Any, **body: str) -> Any:
    return client.post(f"{AUTH}reauthenticate", body)


@case("reauthenticate", 200, events=("reauth.succeeded",))
def confirmed(w: World) -> Any:
    w.signed, w.mark()
    return _again(w.signed, password=PASSWORD)


@case("reauthenticate", 401, "invalid_credentials", events=("reauth.failed",))
def confirmed_wrongly(w: World) -> Any:
    w.signed, w.mark()
    return _again(w.signed, password="wrong")


@case("reauthenticate", 401, "code_invalid", events=("reauth.failed",))
def confirmed_with_a_wrong_code(w: World) -> Any:
    w.proven, w.mark()
    return _again(w.proven, password=PASSWORD, code=w.app.wrong())


@case("reauthenticate", 429, "second_factor_locked", events=("2fa.locked",))
def confirmed_too_often(w: World) -> Any:
    w.limit("VERIFY_SECOND_FACTOR_USER"), w.proven, _again(w.proven, password=PASSWORD, code=w.app.wrong()), w.mark()
    return _again(w.proven, password=PASSWORD, code=w.app.code())


@case("reauthenticate", 429, "rate_limited")
def guessed_too_often(w: World) -> Any:
    w.limit("REAUTHENTICATE_USER"), _again(w.signed, password="wrong"), w.mark()
    return _again(w.signed, password=PASSWORD)
