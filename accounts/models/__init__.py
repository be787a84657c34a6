"""The tables of accounts, one subject a file."""

from accounts.models.enrollment import EnrollmentToken
from accounts.models.guesses import GuessCounter
from accounts.models.invite import Invite
from accounts.models.networks import KnownNetwork
from accounts.models.session import RefreshToken, Session
from accounts.models.signing_key import SigningKey
from accounts.models.user import User

__all__ = ["EnrollmentToken", "GuessCounter", "Invite", "KnownNetwork", "RefreshToken", "Session", "SigningKey", "User"]
