"""Pages under /auth/, and the key set at its well-known address."""

from django.urls import path

from accounts.api.keys import JwksView
from accounts.pages import account, confirmation, enrollment, invites, own_factor, resets, sign_in

app_name = "accounts"
urlpatterns = [
    path(".well-known/jwks.json", JwksView.as_view(schema=None), name="jwks"),
    path("auth/sign-in", sign_in.password, name="sign-in"),
    path("auth/code", sign_in.code, name="code"),
    path("auth/signed-out", sign_in.signed_out, name="signed-out"),
    path("auth/enroll", enrollment.enroll, name="enroll"),
    path("auth/invite", invites.accept, name="accept-invite"),
    path("auth/invite/<str:token>", invites.open_link, name="open-invite"),
    path("auth/reset", resets.ask, name="reset-password"),
    path("auth/reset/asked", resets.asked, name="reset-asked"),
    path("auth/reset/new", resets.new_password, name="new-password"),
    path("auth/reset/done", resets.password_set, name="password-set"),
    path("auth/reset/<str:token>", resets.open_link, name="open-reset"),
    path("auth/confirm", confirmation.confirm, name="confirm"),
    path("auth/account", account.overview, name="account"),
    path("auth/account/password", account.password, name="change-password"),
    path("auth/account/sessions/end", account.end_all_sessions, name="end-all-sessions"),
    path("auth/account/sessions/<uuid:session_id>/end", account.end_session, name="end-session"),
    path("auth/account/second-factor", own_factor.enroll, name="own-factor"),
    path("auth/account/second-factor/off", own_factor.disable, name="disable-factor"),
    path("auth/account/backup-codes", own_factor.new_codes, name="new-codes"),
]
