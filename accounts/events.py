"""The audit events that accounts may write."""

from common import events

events.register(
    "accounts",
    {
        "invite.created": "A colleague was invited",
        "invite.resent": "An invitation was sent again with a new link",
        "invite.revoked": "An invitation was withdrawn",
        "invite.accepted": "An invitation was accepted",
        "invite.accept_failed": "An invitation could not be accepted",
        "user.created": "An account was created",
        "user.roles_changed": "A colleague's roles were changed",
        "user.activated": "An account was opened again",
        "user.deactivated": "An account was closed",
        "login.succeeded_first_factor": "A right password was given",
        "login.failed": "A sign-in failed",
        "login.throttled": "A sign-in was refused because of too many failures",
        "session.created": "A session was opened",
        "session.refreshed": "A session was renewed",
        "session.refresh_retried": "A renewal was asked for again",
        "session.reuse_detected": "A used refresh token came back, and its session was ended",
        "session.logged_out": "Someone signed out",
        "session.all_revoked": "Someone signed out everywhere",
        "session.revoked": "Someone ended one of their sessions",
        "session.revoked_by_admin": "A colleague's sessions were ended",
        "reauth.succeeded": "A password was confirmed",
        "reauth.failed": "A password could not be confirmed",
        "roles.synced": "The roles' permissions were brought up to date",
        "signing_key.created": "A signing key was made",
        "signing_key.published": "The public half of a signing key was recorded",
    },
)
