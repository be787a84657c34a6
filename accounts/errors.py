"""The refusals of accounts, each with the page that explains it."""

from common.errors import Conflict, Gone, NotAuthenticated, NotFound, PermissionDenied, RateLimited, Unavailable


class TokenInvalid(NotAuthenticated):
    """The access token is not one of ours."""

    code = "token_invalid"
    title = "The access token is not valid"
    about = "Its signature, issuer, audience or shape is wrong, or its session is unknown. Refresh, or sign in again."


class TokenExpired(NotAuthenticated):
    """The access token was right, and its time is over."""

    code = "token_expired"
    title = "The access token has expired"
    about = "Access tokens live for five minutes. Refresh once and repeat the request."


class SessionRevoked(NotAuthenticated):
    """The session behind the token has ended."""

    code = "session_revoked"
    title = "The session has ended"
    about = "Someone signed out, changed the password or ended this session. Forget the tokens and sign in again."


class UserInactive(NotAuthenticated):
    """The account is closed."""

    code = "user_inactive"
    title = "The account is closed"
    about = "The account was closed by an Owner. Forget the tokens."


class InvalidCredentials(NotAuthenticated):
    """Address and password do not open an account."""

    code = "invalid_credentials"
    title = "E-mail or password is wrong"
    about = "The answer is the same for an unknown address, a wrong password and a closed account. Ask for both again."


class RefreshInvalid(NotAuthenticated):
    """The refresh token is unknown."""

    code = "refresh_invalid"
    title = "The refresh token is not valid"
    about = "The token is unknown, cut short, or came another way than its session was opened for. Sign in again."


class RefreshExpired(NotAuthenticated):
    """The session's time is over."""

    code = "refresh_expired"
    title = "The session has expired"
    about = "The session was idle for too long, or reached the end of its life. Sign in again."


class RefreshReused(NotAuthenticated):
    """A token that had a successor came back."""

    code = "refresh_reused"
    title = "The refresh token was used before"
    about = "Two parties hold this token, so the whole session was ended. Sign in again, and tell the user about it."


class ReauthRequired(PermissionDenied):
    """The act needs a fresh password."""

    code = "reauth_required"
    title = "Confirm your password first"
    about = (
        "This act asks for a sign-in of the last five minutes. Call /api/auth/reauthenticate and repeat the request."
    )


class TwoFactorRequired(PermissionDenied):
    """The studio's policy wants a second factor."""

    code = "two_factor_required"
    title = "A second factor is required"
    about = "The session was opened without a second factor, and the policy asks for one. Enrol one first."


class EnrollmentWindowClosed(PermissionDenied):
    """Enrolment by password alone is over."""

    code = "enrollment_window_closed"
    title = "The time to enrol a second factor is over"
    about = "A first second factor can be enrolled for 72 hours after joining. An Owner can open that time again."


class ChallengeInvalid(NotAuthenticated):
    """The challenge cannot be answered any more."""

    code = "challenge_invalid"
    title = "This sign-in cannot go on"
    about = (
        "The challenge is unknown, too old, answered already, or the account changed since. Give the password again."
    )


class ChallengeExhausted(NotAuthenticated):
    """The last try of a challenge was wrong."""

    code = "challenge_exhausted"
    title = "Too many wrong codes for this sign-in"
    about = "A challenge takes five wrong codes, and this was the fifth. Start again at the password."


class CodeInvalid(NotAuthenticated):
    """The code is wrong, or was used."""

    code = "code_invalid"
    title = "The code is wrong"
    about = "The code is wrong, too old, or was used before. Ask for the next one; attempts_left counts the tries."


class SecondFactorLocked(RateLimited):
    """Too many wrong codes of one person."""

    code = "second_factor_locked"
    title = "Codes are not taken for a while"
    about = (
        "Too many wrong codes were given for this account, at whatever door. Wait for the seconds in Retry-After. "
        "After a hundred in a row only a backup code or a reset by a colleague helps."
    )


class EnrollmentInvalid(NotAuthenticated):
    """There is nothing to confirm."""

    code = "enrollment_invalid"
    title = "This enrolment cannot go on"
    about = "The enrolment or its token is unknown, used, replaced by a newer one, or had too many wrong codes."


class EnrollmentExpired(Gone):
    """The ten minutes are over."""

    code = "enrollment_expired"
    title = "The enrolment took too long"
    about = "A secret waits ten minutes for its first code. Start the enrolment again."


class TwoFactorAlreadyEnabled(Conflict):
    """There is a factor, and it was not shown."""

    code = "two_factor_already_enabled"
    title = "A second factor is already enabled"
    about = "To replace it, confirm password and code at /api/auth/reauthenticate first, then repeat the request."


class TwoFactorNotEnabled(Conflict):
    """There is no factor."""

    code = "two_factor_not_enabled"
    title = "No second factor is enabled"
    about = "The act needs a second factor that is enrolled and confirmed."


class TwoFactorRequiredByPolicy(PermissionDenied):
    """The policy keeps the factor on."""

    code = "two_factor_required_by_policy"
    title = "The second factor cannot be switched off"
    about = "The studio demands a second factor of everyone. Enrol a new one to replace the present one."


class CannotResetSelf(PermissionDenied):
    """A reset takes two people."""

    code = "cannot_reset_self"
    title = "You cannot reset your own second factor"
    about = "Ask a colleague who may do it. To change your app, enrol again with a code or a backup code."


class RoleEscalation(PermissionDenied):
    """Nobody grants what they do not have."""

    code = "role_escalation"
    title = "You may not grant that role"
    about = "A role can be granted, changed or taken only by someone who holds every permission of it."


class InviteAuthorityLost(PermissionDenied):
    """The inviter may no longer invite for these roles."""

    code = "invite_authority_lost"
    title = "The invitation no longer counts"
    about = "Whoever sent the invitation may not grant its roles any more. Ask for a new one."


class UserExists(Conflict):
    """The address has an account."""

    code = "user_exists"
    title = "The address already has an account"
    about = "A colleague with this address exists already, perhaps closed. Look at the list of people."


class InvitePending(Conflict):
    """The address has an open invitation."""

    code = "invite_pending"
    title = "An invitation is already waiting"
    about = "The address has an open invitation, named by invite_id. Send that one again, or withdraw it."


class InviteNotPending(Conflict):
    """The invitation has ended for good."""

    code = "invite_not_pending"
    title = "The invitation cannot be sent again"
    about = "It was accepted or withdrawn. Make a new invitation."


class InviteAlreadyAccepted(Conflict):
    """Too late to withdraw."""

    code = "invite_already_accepted"
    title = "The invitation was already accepted"
    about = "The colleague has an account now. Close the account instead."


class InviteInvalid(NotFound):
    """The link is unknown."""

    code = "invite_invalid"
    title = "The invitation link is not valid"
    about = "The link is unknown or was replaced by a newer one. Use the link of the last mail."


class InviteExpired(Gone):
    """The link is too old."""

    code = "invite_expired"
    title = "The invitation has expired"
    about = "The link was not used in time. Ask whoever invited you to send it again."


class InviteRevoked(Gone):
    """The invitation was withdrawn."""

    code = "invite_revoked"
    title = "The invitation was withdrawn"
    about = "Whoever invited you took the invitation back."


class InviteUsed(Gone):
    """The link did its work."""

    code = "invite_used"
    title = "The invitation was already used"
    about = "The account exists. Sign in with the password that was set."


class ResetInvalid(NotFound):
    """The link is unknown, or another password was set since."""

    code = "reset_invalid"
    title = "The link is not valid"
    about = "The link is unknown, or the password was changed another way since. Ask for a new link."


class ResetExpired(Gone):
    """The link is too old."""

    code = "reset_expired"
    title = "The link has expired"
    about = "A link sets a new password for 60 minutes. Ask for a new one."


class ResetUsed(Gone):
    """The link did its work."""

    code = "reset_used"
    title = "The link was already used"
    about = "The password was set with this link. Sign in with it, or ask for a new link."


class SigningUnavailable(Unavailable):
    """No key can sign."""

    code = "signing_unavailable"
    title = "Sign-in is not possible for a moment"
    about = "No signing key is at hand. Nothing was used up: repeat the same request after retry_after seconds."


class LastOwner(Conflict):
    """Someone must be able to let others in."""

    code = "last_owner"
    title = "The last Owner must stay"
    about = "No other open account is an Owner. Make someone else an Owner first."


class CannotCloseSelf(Conflict):
    """Nobody locks themselves out."""

    code = "cannot_close_self"
    title = "You cannot close your own account"
    about = "Ask another Owner to close it."
