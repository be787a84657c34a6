"""The tables of accounts, one subject a file."""

from accounts.models.challenge import LoginChallenge
from accounts.models.enrollment import EnrollmentToken
from accounts.models.guesses import GuessCounter
from accounts.models.invite import Invite
from accounts.models.networks import KnownNetwork
from accounts.models.password_reset import PasswordReset
from accounts.models.second_factor import BackupCode, BackupCodeDevice, SecondFactor
from accounts.models.session import RefreshToken, Session
from accounts.models.signing_key import SigningKey
from accounts.models.user import User

__all__ = [
    "BackupCode",
    "BackupCodeDevice",
    "EnrollmentToken",
    "GuessCounter",
    "Invite",
    "KnownNetwork",
    "LoginChallenge",
    "PasswordReset",
    "RefreshToken",
    "SecondFactor",
    "Session",
    "SigningKey",
    "User",
]
