"""Section 2.1 of the contract: invitations."""

from typing import Any

from accounts.actions import invites
from accounts.models import Invite, User
from accounts.tests import factories
from accounts.tests.contract.world import NEW_PASSWORD, NO_ID, World, case
from accounts.tests.contract.world import A as AUTH
from common import clock
from common.actor import Actor
from common.clock import db_now

P = f"{AUTH}invites"
BODY = {"email": "ben@example.com", "roles": ["Editor"]}
HOURS_72 = 72 * 3600


@case("createInvite", 201, events=("invite.created",))
def created(w: World) -> Any:
    w.signed, w.mark()
    return w.signed.post(P, BODY)


@case("createInvite", 403, "role_escalation")
def beyond(w: World) -> Any:
    editor = factories.make_user("editor@example.com", held=("Editor",))
    w.patch.setattr("common.api.permissions.IsStaff.has_permission", lambda *_: True)
    client = factories.sign_in(editor)
    w.mark()
    return client.post(P, {"email": "ben@example.com", "roles": ["Owner"]})


@case("createInvite", 409, "user_exists")
def known(w: World) -> Any:
    w.signed, w.mark()
    return w.signed.post(P, {**BODY, "email": w.owner.email})


@case("createInvite", 409, "invite_pending")
def pending(w: World) -> Any:
    w.invite(), w.signed, w.mark()
    return w.signed.post(P, BODY)


@case("createInvite", 403, "reauth_required")
def stale(w: World) -> Any:
    client = w.stale(w.signed)
    w.mark()
    return client.post(P, BODY)


@case("createInvite", 429, "rate_limited")
def too_many(w: World) -> Any:
    w.limit("CREATE_INVITE_INVITER"), w.signed.post(P, BODY), w.mark()
    return w.signed.post(P, {**BODY, "email": "eve@example.com"})


@case("listInvites", 200)
def listed(w: World) -> Any:
    w.invite(), w.signed, w.mark()
    return w.signed.get(P)


@case("resendInvite", 200, events=("invite.resent",))
def resent(w: World) -> Any:
    invite, client = w.invite(), w.signed
    w.mark()
    return client.post(f"{P}/{invite.pk}/resend")


@case("resendInvite", 404, "not_found")
def resend_unknown(w: World) -> Any:
    w.signed, w.mark()
    return w.signed.post(f"{P}/{NO_ID}/resend")


@case("resendInvite", 409, "invite_not_pending")
def resend_revoked(w: World) -> Any:
    invite, client = w.invite(), w.signed
    invites.revoke(invite_id=invite.pk, by=Actor.operator())
    w.mark()
    return client.post(f"{P}/{invite.pk}/resend")


@case("resendInvite", 409, "user_exists")
def resend_known(w: World) -> Any:
    invite, client = w.invite(), w.signed
    factories.make_user("ben@example.com", held=("Editor",))
    w.mark()
    return client.post(f"{P}/{invite.pk}/resend")


@case("resendInvite", 409, "invite_pending")
def resend_beside_another(w: World) -> Any:
    invite, client = w.invite(), w.signed
    Invite.objects.update(status=Invite.Status.EXPIRED)
    w.invite(), w.mark()
    return client.post(f"{P}/{invite.pk}/resend")


@case("resendInvite", 403, "role_escalation")
def resend_beyond(w: World) -> Any:
    invite = w.invite(("Owner",))
    editor = factories.make_user("editor@example.com", held=("Editor",))
    w.patch.setattr("common.api.permissions.IsStaff.has_permission", lambda *_: True)
    client = factories.sign_in(editor)
    w.mark()
    return client.post(f"{P}/{invite.pk}/resend")


@case("resendInvite", 403, "reauth_required")
def resend_stale(w: World) -> Any:
    invite, client = w.invite(), w.stale(w.signed)
    w.mark()
    return client.post(f"{P}/{invite.pk}/resend")


@case("resendInvite", 429, "rate_limited")
def resend_too_often(w: World) -> Any:
    invite, client = w.invite(), w.signed
    w.limit("RESEND_INVITE_INVITE"), client.post(f"{P}/{invite.pk}/resend"), w.mark()
    return client.post(f"{P}/{invite.pk}/resend")


@case("revokeInvite", 204, events=("invite.revoked",))
def revoked(w: World) -> Any:
    invite, client = w.invite(), w.signed
    w.mark()
    return client.post(f"{P}/{invite.pk}/revoke")


@case("revokeInvite", 204, name="again")
def revoked_again(w: World) -> Any:
    invite, client = w.invite(), w.signed
    client.post(f"{P}/{invite.pk}/revoke"), w.mark()
    return client.post(f"{P}/{invite.pk}/revoke")


@case("revokeInvite", 404, "not_found")
def revoke_unknown(w: World) -> Any:
    w.signed, w.mark()
    return w.signed.post(f"{P}/{NO_ID}/revoke")


@case("revokeInvite", 409, "invite_already_accepted")
def revoke_accepted(w: World) -> Any:
    w.accept(w.invite_token())
    client = w.signed
    w.mark()
    return client.post(f"{P}/{Invite.objects.get().pk}/revoke")


@case("revokeInvite", 403, "reauth_required")
def revoke_stale(w: World) -> Any:
    invite, client = w.invite(), w.stale(w.signed)
    w.mark()
    return client.post(f"{P}/{invite.pk}/revoke")


@case("revokeInvite", 429, "rate_limited")
def revoke_too_often(w: World) -> Any:
    client = w.signed
    w.limit("REVOKE_INVITE_USER"), client.post(f"{P}/{NO_ID}/revoke"), w.mark()
    return client.post(f"{P}/{NO_ID}/revoke")


def _used(w: World) -> str:
    token = w.invite_token()
    w.accept(token)
    return token


def _withdrawn(w: World) -> str:
    token = w.invite_token()
    invites.revoke(invite_id=Invite.objects.get().pk, by=Actor.operator())
    return token


def _too_old(w: World) -> str:
    with clock.shift(-HOURS_72 - 1):
        return w.invite_token()


REFUSED = [(404, "invite_invalid", lambda _: "iv_" + "A" * 43), (410, "invite_expired", _too_old),
           (410, "invite_revoked", _withdrawn), (410, "invite_used", _used)]  # fmt: skip
for _status, _code, _make in REFUSED:

    @case("inspectInvite", _status, _code)
    def _inspect(w: World, make: Any = _make) -> Any:
        token = make(w)
        w.mark()
        return w.client().post(f"{P}/inspect", {"token": token})

    @case("acceptInvite", _status, _code)
    def _accept(w: World, make: Any = _make) -> Any:
        token = make(w)
        w.mark()
        return w.client().post(f"{P}/accept", {"token": token, "password": NEW_PASSWORD})


@case("inspectInvite", 200)
def inspected(w: World) -> Any:
    token = w.invite_token()
    w.mark()
    return w.client().post(f"{P}/inspect", {"token": token})


@case("inspectInvite", 429, "rate_limited")
def inspected_too_often(w: World) -> Any:
    w.limit("INSPECT_INVITE_IP"), w.client().post(f"{P}/inspect", {"token": "iv_x"}), w.mark()
    return w.client().post(f"{P}/inspect", {"token": "iv_x"})


@case("acceptInvite", 201, events=("invite.accepted", "user.created"))
def accepted(w: World) -> Any:
    token = w.invite_token()
    w.mark()
    return w.client().post(f"{P}/accept", {"token": token, "password": NEW_PASSWORD})


@case("acceptInvite", 400, "validation_error", events=("invite.accept_failed",), name="weak password")
def accepted_weakly(w: World) -> Any:
    token = w.invite_token()
    w.mark()
    return w.client().post(f"{P}/accept", {"token": token, "password": "password1234"})


@case("acceptInvite", 409, "user_exists", events=("invite.accept_failed",))
def accepted_by_a_user(w: World) -> Any:
    token = w.invite_token()
    User.objects.create(email="ben@example.com", password="!", created_at=db_now())
    w.mark()
    return w.client().post(f"{P}/accept", {"token": token, "password": NEW_PASSWORD})


@case("acceptInvite", 403, "invite_authority_lost", events=("invite.accept_failed",))
def accepted_of_nobody(w: World) -> Any:
    token = w.invite_token()
    w.owner.groups.clear(), w.mark()
    return w.client().post(f"{P}/accept", {"token": token, "password": NEW_PASSWORD})


@case("acceptInvite", 429, "rate_limited")
def accepted_too_often(w: World) -> Any:
    w.limit("ACCEPT_INVITE_IP"), w.client().post(f"{P}/accept", {"token": "iv_x", "password": "x"}), w.mark()
    return w.client().post(f"{P}/accept", {"token": "iv_x", "password": "x"})
