"""Addresses under /api/auth/."""

from django.urls import path

from accounts.api import invites, keys, passwords, second_factor, sessions, users

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
    path("2fa", second_factor.SecondFactorView.as_view(), name="second-factor"),
    path("2fa/verify", second_factor.VerifySecondFactorView.as_view(), name="verify-second-factor"),
    path("2fa/backup/verify", second_factor.VerifyBackupCodeView.as_view(), name="verify-backup-code"),
    path("2fa/backup/regenerate", second_factor.RegenerateBackupCodesView.as_view(), name="regenerate-backup-codes"),
    path("2fa/enroll", second_factor.EnrollSecondFactorView.as_view(), name="enroll-second-factor"),
    path("2fa/enroll/confirm", second_factor.ConfirmSecondFactorView.as_view(), name="confirm-second-factor"),
    path("2fa/disable", second_factor.DisableSecondFactorView.as_view(), name="disable-second-factor"),
    path("users", users.UsersView.as_view(), name="users"),
    path("users/<uuid:id>/2fa/reset", users.ResetSecondFactorView.as_view(), name="reset-second-factor"),
    path("users/<uuid:id>/sessions/revoke", users.RevokeUserSessionsView.as_view(), name="revoke-user-sessions"),
    path("password/change", passwords.ChangePasswordView.as_view(), name="change-password"),
    path("password/reset", passwords.RequestPasswordResetView.as_view(), name="request-password-reset"),
    path("password/reset/confirm", passwords.ConfirmPasswordResetView.as_view(), name="confirm-password-reset"),
    path("jwks.json", keys.JwksView.as_view(), name="jwks"),
]
