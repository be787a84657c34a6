"""Section 2.4 of the contract: passwords and the key set."""

from typing import Any

from accounts.tests.contract.world import NEW_PASSWORD, World, case
from accounts.tests.contract.world import A as AUTH
from accounts.tests.factories import PASSWORD
from common import clock

CHANGE, RESET, CONFIRM = f"{AUTH}password/change", f"{AUTH}password/reset", f"{AUTH}password/reset/confirm"
AN_HOUR = 3601


def change(w: World, current: str = PASSWORD, new: str = NEW_PASSWORD) -> Any:
    return w.signed.post(CHANGE, {"current_password": current, "new_password": new})


@case("changePassword", 204, events=("password.changed",))
def changed(w: World) -> Any:
    w.signed, w.mark()
    return change(w)


@case("changePassword", 401, "invalid_credentials")
def changed_wrongly(w: World) -> Any:
    w.signed, w.mark()
    return change(w, "wrong")


@case("changePassword", 400, "validation_error", name="weak password")
def changed_weakly(w: World) -> Any:
    w.signed, w.mark()
    return change(w, new="password1234")


@case("changePassword", 429, "rate_limited")
def changed_too_often(w: World) -> Any:
    w.limit("CHANGE_PASSWORD_USER"), change(w, "wrong"), w.mark()
    return change(w)


@case("requestPasswordReset", 202, events=("password.reset_requested",), name="known")
def requested(w: World) -> Any:
    w.owner, w.mark()
    return w.client().post(RESET, {"email": w.owner.email})


@case("requestPasswordReset", 202, events=("password.reset_requested",), name="unknown")
def requested_by_nobody(w: World) -> Any:
    w.mark()
    return w.client().post(RESET, {"email": "nobody@example.com"})


@case("requestPasswordReset", 429, "rate_limited")
def requested_too_often(w: World) -> Any:
    w.limit("REQUEST_PASSWORD_RESET_IP"), w.client().post(RESET, {"email": "a@example.com"}), w.mark()
    return w.client().post(RESET, {"email": "a@example.com"})


def confirm(w: World, token: str, password: str = NEW_PASSWORD) -> Any:
    return w.client().post(CONFIRM, {"token": token, "password": password})


@case("confirmPasswordReset", 204, events=("password.reset_completed",))
def completed(w: World) -> Any:
    token = w.reset_token()
    w.mark()
    return confirm(w, token)


@case("confirmPasswordReset", 400, "validation_error", name="weak password")
def completed_weakly(w: World) -> Any:
    token = w.reset_token()
    w.mark()
    return confirm(w, token, "password1234")


@case("confirmPasswordReset", 404, "reset_invalid")
def completed_without_a_link(w: World) -> Any:
    w.mark()
    return confirm(w, "pr_" + "A" * 43)


@case("confirmPasswordReset", 410, "reset_expired")
def completed_late(w: World) -> Any:
    with clock.shift(-AN_HOUR):
        token = w.reset_token()
    w.mark()
    return confirm(w, token)


@case("confirmPasswordReset", 410, "reset_used")
def completed_twice(w: World) -> Any:
    token = w.reset_token()
    confirm(w, token), w.mark()
    return confirm(w, token, NEW_PASSWORD + "!")


@case("confirmPasswordReset", 429, "rate_limited")
def completed_too_often(w: World) -> Any:
    w.limit("CONFIRM_PASSWORD_RESET_IP"), confirm(w, "pr_x"), w.mark()
    return confirm(w, "pr_x")


@case("getJwks", 200)
def key_set(w: World) -> Any:
    w.mark()
    return w.client().get(f"{AUTH}jwks.json")


@case("getJwks", 503, "signing_unavailable")
def key_set_without_keys(w: World) -> Any:
    w.no_keys(), w.mark()
    return w.client().get(f"{AUTH}jwks.json")
