"""Pages under /auth/, and the key set at its well-known address."""

from django.urls import path

from accounts import pages
from accounts.api.keys import JwksView

app_name = "accounts"
urlpatterns = [
    path(".well-known/jwks.json", JwksView.as_view(schema=None), name="jwks"),
    path("auth/invite", pages.accept_invite, name="accept-invite"),
    path("auth/invite/done", pages.invite_accepted, name="invite-accepted"),
    path("auth/invite/<str:token>", pages.open_invite, name="open-invite"),
]
