"""Section 2.3 of the contract: one's own second factor, and what colleagues may do to another's."""

from typing import Any

from accounts import totp
from accounts.models import SecondFactor
from accounts.tests import factories, factors
from accounts.tests.contract.world import NO_ID, World, case
from accounts.tests.contract.world import A as AUTH
from common import clock

TWO = f"{AUTH}2fa"
ENROLL, CONFIRM, DISABLE, REGENERATE = (
    f"{TWO}/enroll",
    f"{TWO}/enroll/confirm",
    f"{TWO}/disable",
    f"{TWO}/backup/regenerate",
)
TEN_MINUTES = 601


def code_for(begun: dict[str, Any], *, wrong: bool = False) -> str:
    """The code of a secret that an enrolment showed."""
    factor = SecondFactor.objects.get(pk=begun["enrollment_id"])
    app = factors.App(factor.user, totp.opened(factor))
    return app.wrong() if wrong else app.code()


@case("getSecondFactor", 200)
def shown(w: World) -> Any:
    w.proven, w.mark()
    return w.proven.get(TWO)


@case("enrollSecondFactor", 200, events=("2fa.enroll_started",), name="session")
def begun(w: World) -> Any:
    w.signed, w.mark()
    return w.signed.post(ENROLL, {})


@case("enrollSecondFactor", 200, events=("2fa.enroll_started",), name="token")
def begun_with_token(w: World) -> Any:
    token = w.enrollment().token
    w.mark()
    return w.client().post(ENROLL, {"enrollment_token": token})


@case("enrollSecondFactor", 401, "enrollment_invalid")
def begun_with_nothing(w: World) -> Any:
    w.mark()
    return w.client().post(ENROLL, {"enrollment_token": "en_" + "A" * 43})


@case("enrollSecondFactor", 409, "two_factor_already_enabled")
def begun_twice(w: World) -> Any:
    client = w.stale(w.proven)
    w.mark()
    return client.post(ENROLL, {})


@case("enrollSecondFactor", 403, "reauth_required")
def begun_stale(w: World) -> Any:
    client = w.stale(w.signed)
    w.mark()
    return client.post(ENROLL, {})


@case("enrollSecondFactor", 429, "rate_limited")
def begun_too_often(w: World) -> Any:
    w.limit("ENROLL_SECOND_FACTOR_USER"), w.signed.post(ENROLL, {}), w.mark()
    return w.signed.post(ENROLL, {})


def _confirm(client: Any, begun: dict[str, Any], code: str, **more: str) -> Any:
    return client.post(CONFIRM, {"enrollment_id": begun["enrollment_id"], "code": code, **more})


@case("confirmSecondFactor", 200, events=("2fa.enabled", "2fa.backup_issued"), name="session")
def enabled(w: World) -> Any:
    begun = w.signed.post(ENROLL, {}).json()
    w.mark()
    return _confirm(w.signed, begun, code_for(begun))


@case("confirmSecondFactor", 200, events=("2fa.enabled", "2fa.backup_issued", "session.created"), name="token")
def enabled_with_token(w: World) -> Any:
    token = w.enrollment().token
    begun = w.client().post(ENROLL, {"enrollment_token": token}).json()
    w.mark()
    return _confirm(w.client(), begun, code_for(begun), enrollment_token=token)


@case("confirmSecondFactor", 401, "code_invalid", events=("2fa.failed",))
def enabled_wrongly(w: World) -> Any:
    begun = w.signed.post(ENROLL, {}).json()
    w.mark()
    return _confirm(w.signed, begun, code_for(begun, wrong=True))


@case("confirmSecondFactor", 401, "enrollment_invalid")
def enabled_of_nothing(w: World) -> Any:
    w.signed, w.mark()
    return _confirm(w.signed, {"enrollment_id": NO_ID}, "123456")


@case("confirmSecondFactor", 410, "enrollment_expired")
def enabled_late(w: World) -> Any:
    client = w.signed
    with clock.shift(-TEN_MINUTES):
        from_then = factories.sign_in(w.owner).post(ENROLL, {}).json()
    w.mark()
    return _confirm(client, from_then, "123456")


@case("confirmSecondFactor", 503, "signing_unavailable")
def enabled_without_keys(w: World) -> Any:
    token = w.enrollment().token
    begun = w.client().post(ENROLL, {"enrollment_token": token}).json()
    w.no_keys(), w.mark()
    return _confirm(w.client(), begun, code_for(begun), enrollment_token=token)


@case("disableSecondFactor", 204, events=("2fa.disabled",))
def disabled(w: World) -> Any:
    w.proven, w.mark()
    return w.proven.post(DISABLE, {})


@case("disableSecondFactor", 403, "two_factor_required_by_policy")
def disabled_against_the_policy(w: World) -> Any:
    w.settings.STAFF_TWO_FACTOR = "required"
    w.proven, w.mark()
    return w.proven.post(DISABLE, {})


@case("disableSecondFactor", 409, "two_factor_not_enabled")
def disabled_without(w: World) -> Any:
    w.signed, w.mark()
    return w.signed.post(DISABLE, {})


@case("disableSecondFactor", 403, "reauth_required")
def disabled_stale(w: World) -> Any:
    client = w.stale(w.proven)
    w.mark()
    return client.post(DISABLE, {})


@case("disableSecondFactor", 429, "rate_limited")
def disabled_too_often(w: World) -> Any:
    w.limit("DISABLE_SECOND_FACTOR_USER"), w.signed.post(DISABLE, {}), w.mark()
    return w.signed.post(DISABLE, {})


@case("regenerateBackupCodes", 200, events=("2fa.backup_issued",))
def regenerated(w: World) -> Any:
    w.proven, w.mark()
    return w.proven.post(REGENERATE, {})


@case("regenerateBackupCodes", 409, "two_factor_not_enabled")
def regenerated_without(w: World) -> Any:
    w.signed, w.mark()
    return w.signed.post(REGENERATE, {})


@case("regenerateBackupCodes", 403, "reauth_required", name="backup code is not enough")
def regenerated_by_backup_code(w: World) -> Any:
    w.app  # noqa: B018 - makes it
    client = factors.signed_in(w.owner, amr=("pwd", "backup"))
    w.mark()
    return client.post(REGENERATE, {})


@case("regenerateBackupCodes", 429, "rate_limited")
def regenerated_too_often(w: World) -> Any:
    w.limit("REGENERATE_BACKUP_CODES_USER"), w.proven.post(REGENERATE, {}), w.mark()
    return w.proven.post(REGENERATE, {})


@case("listUsers", 200)
def people(w: World) -> Any:
    w.signed, w.mark()
    return w.signed.get(f"{AUTH}users")


@case("listUsers", 429, "rate_limited")
def people_too_often(w: World) -> Any:
    w.limit("LIST_USERS_USER"), w.signed.get(f"{AUTH}users"), w.mark()
    return w.signed.get(f"{AUTH}users")


def _of(w: World, act: str, held: tuple[str, ...] = ("Editor",)) -> str:
    return f"{AUTH}users/{factories.make_user('ben@example.com', held=held).pk}/{act}"


REASON = {"reason": "phone lost"}


@case("resetSecondFactor", 204, events=("2fa.reset_by_admin",))
def reset(w: World) -> Any:
    path, client = _of(w, "2fa/reset"), w.signed
    w.mark()
    return client.post(path, REASON)


@case("resetSecondFactor", 403, "cannot_reset_self")
def reset_self(w: World) -> Any:
    w.signed, w.mark()
    return w.signed.post(f"{AUTH}users/{w.owner.pk}/2fa/reset", REASON)


@case("resetSecondFactor", 403, "role_escalation")
def reset_beyond(w: World) -> Any:
    path = _of(w, "2fa/reset", ("Owner",))
    w.patch.setattr("common.api.permissions.IsStaff.has_permission", lambda *_: True)
    client = factories.sign_in(factories.make_user("editor@example.com", held=("Editor",)))
    w.mark()
    return client.post(path, REASON)


@case("resetSecondFactor", 404, "not_found")
def reset_nobody(w: World) -> Any:
    w.signed, w.mark()
    return w.signed.post(f"{AUTH}users/{NO_ID}/2fa/reset", REASON)


@case("resetSecondFactor", 403, "reauth_required")
def reset_stale(w: World) -> Any:
    path, client = _of(w, "2fa/reset"), w.stale(w.signed)
    w.mark()
    return client.post(path, REASON)


@case("resetSecondFactor", 429, "rate_limited")
def reset_too_often(w: World) -> Any:
    path, client = _of(w, "2fa/reset"), w.signed
    w.limit("RESET_SECOND_FACTOR_USER"), client.post(path, REASON), w.mark()
    return client.post(path, REASON)


@case("revokeUserSessions", 200, events=("session.revoked_by_admin",))
def sessions_of_another_ended(w: World) -> Any:
    path, client = _of(w, "sessions/revoke"), w.signed
    w.mark()
    return client.post(path)


@case("revokeUserSessions", 404, "not_found")
def sessions_of_nobody(w: World) -> Any:
    w.signed, w.mark()
    return w.signed.post(f"{AUTH}users/{NO_ID}/sessions/revoke")


@case("revokeUserSessions", 429, "rate_limited")
def sessions_ended_too_often(w: World) -> Any:
    path, client = _of(w, "sessions/revoke"), w.signed
    w.limit("REVOKE_USER_SESSIONS_USER"), client.post(path), w.mark()
    return client.post(path)
