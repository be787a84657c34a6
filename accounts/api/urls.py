"""Addresses under /api/auth/."""

from django.urls import path

from accounts.api import invites, keys, passwords, sessions

urlpatterns = [
    path("invites", invites.InvitesView.as_view(), name="invites"),
    path("invites/inspect", invites.InspectInviteView.as_view(), name="inspect-invite"),
    path("invites/accept", invites.AcceptInviteView.as_view(), name="accept-invite"),
    path("invites/<uuid:id>/resend", invites.ResendInviteView.as_view(), name="resend-invite"),
    path("invites/<uuid:id>/revoke", invites.RevokeInviteView.as_view(), name="revoke-invite"),
    path("login", sessions.LoginView.as_view(), name="login"),
    path("refresh", sessions.RefreshView.as_view(), name="refresh"),
    path("logout", sessions.LogoutView.as_view(), name="logout"),
    path("logout-all", sessions.LogoutAllView.as_view(), name="logout-all"),
    path("sessions", sessions.SessionsView.as_view(), name="sessions"),
    path("sessions/<uuid:id>", sessions.SessionView.as_view(), name="session"),
    path("me", sessions.MeView.as_view(), name="me"),
    path("reauthenticate", sessions.ReauthenticateView.as_view(), name="reauthenticate"),
    path("password/change", passwords.ChangePasswordView.as_view(), name="change-password"),
    path("password/reset", passwords.RequestPasswordResetView.as_view(), name="request-password-reset"),
    path("password/reset/confirm", passwords.ConfirmPasswordResetView.as_view(), name="confirm-password-reset"),
    path("jwks.json", keys.JwksView.as_view(), name="jwks"),
]
