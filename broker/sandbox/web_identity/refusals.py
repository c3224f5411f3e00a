"""What STS answers when it refuses: error codes, HTTP statuses and AWS's own texts.

The texts named here recur; a text with a number in it stands where it is raised.
"""

from enum import StrEnum


class StsCode(StrEnum):
    """Error codes of AssumeRoleWithWebIdentity (AWS STS API, and its common errors)."""

    ACCESS_DENIED = "AccessDenied"
    EXPIRED_TOKEN = "ExpiredTokenException"  # noqa: S105  (an error code, not a secret)
    IDP_COMMUNICATION = "IDPCommunicationError"
    IDP_REJECTED_CLAIM = "IDPRejectedClaim"
    INTERNAL_FAILURE = "InternalFailure"
    INVALID_IDENTITY_TOKEN = "InvalidIdentityToken"  # noqa: S105
    MALFORMED_POLICY = "MalformedPolicyDocument"
    VALIDATION = "ValidationError"


_STATUS = {
    StsCode.ACCESS_DENIED: 403,
    StsCode.IDP_REJECTED_CLAIM: 403,
    StsCode.INTERNAL_FAILURE: 500,
}

NOT_VALIDATED = (
    "The web identity token provided could not be validated. "
    "See the AssumeRoleWithWebIdentity documentation for requirements."
)
# The double space is AWS's.
NO_VERIFICATION_KEY = (
    "Couldn't retrieve verification key from your identity provider,  "
    "please reference AssumeRoleWithWebIdentity documentation for requirements"
)
NOT_A_JWT = (
    "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
)
NOT_AUTHORIZED = "Not authorized to perform sts:AssumeRoleWithWebIdentity"


class StsRefusal(Exception):
    """STS refuses the call with this code, status and text."""

    def __init__(self, code: StsCode, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.status = _STATUS.get(code, 400)


def invalid_token(text: str = NOT_VALIDATED) -> StsRefusal:
    """The token is refused: AWS's general text unless it has one of its own."""
    return StsRefusal(StsCode.INVALID_IDENTITY_TOKEN, text)


def no_verification_key() -> StsRefusal:
    """No published key is the one the token names, or the one it names is unusable."""
    return invalid_token(NO_VERIFICATION_KEY)


def access_denied(text: str = NOT_AUTHORIZED) -> StsRefusal:
    """The trust policy does not allow it, or there is no such role: AWS tells neither apart."""
    return StsRefusal(StsCode.ACCESS_DENIED, text)


def invalid_parameter(text: str) -> StsRefusal:
    """A request parameter breaks a rule of the API model or of the role."""
    return StsRefusal(StsCode.VALIDATION, text)
