"""Who is calling: from a signed request to an IAM user or a role session."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from moto.iam.models import Role, User
from moto.utilities.utils import get_partition

from broker.sandbox.calls.answers import Failure, Refusal
from broker.sandbox.calls.received import ReceivedRequest
from broker.sandbox.calls.signature import Authorization, verify
from broker.sandbox.clock import Clock
from broker.sandbox.state.credentials import CredentialRegister, TemporaryCredentials
from broker.sandbox.state.iam_directory import AttachedPolicies, IamDirectory, UserKey, tags_of

_INVALID = "The security token included in the request is invalid."
_EXPIRED = "The security token included in the request is expired"


@dataclass(frozen=True)
class UserCaller:
    """An IAM user with a long-lived access key."""

    user: User
    account_id: str

    @property
    def arn(self) -> str:
        return self.user.arn

    @property
    def user_id(self) -> str:
        return self.user.id

    @property
    def trust_names(self) -> tuple[str, ...]:
        """The names under which a trust policy can mean this caller."""
        return (self.arn, _root(self.arn.split(":")[1], self.account_id))

    @property
    def session(self) -> TemporaryCredentials | None:
        return None

    def policies(self, directory: IamDirectory) -> AttachedPolicies:
        return directory.user_policies(self.user)

    def context(self) -> Mapping[str, str | Sequence[str]]:
        tags = {tag["Key"]: tag["Value"] for tag in self.user.tags or []}
        return {
            "aws:PrincipalType": "User",
            "aws:PrincipalArn": self.arn,
            "aws:PrincipalAccount": self.account_id,
            "aws:userid": self.user_id,
            "aws:username": self.user.name,
            **_principal_tags(tags),
        }


@dataclass(frozen=True)
class RoleCaller:
    """A role session with temporary credentials."""

    role: Role
    session: TemporaryCredentials

    @property
    def account_id(self) -> str:
        return self.session.role.account_id

    @property
    def arn(self) -> str:
        return self.session.arn

    @property
    def user_id(self) -> str:
        return self.session.assumed_role_id

    @property
    def trust_names(self) -> tuple[str, ...]:
        return (self.arn, self.role.arn, _root(self.session.role.partition, self.account_id))

    def policies(self, directory: IamDirectory) -> AttachedPolicies:
        return directory.role_policies(self.role)

    def context(self) -> Mapping[str, str | Sequence[str]]:
        attributes = self.session.attributes
        context: dict[str, str | Sequence[str]] = {
            "aws:PrincipalType": "AssumedRole",
            "aws:PrincipalArn": self.role.arn,
            "aws:PrincipalAccount": self.account_id,
            "aws:userid": self.user_id,
            "aws:TokenIssueTime": iso(self.session.issued_at),
            "aws:MultiFactorAuthPresent": "false",
            # A session tag replaces the role's own tag of the same name.
            **_principal_tags({**tags_of(self.role), **attributes.tags}),
        }
        if attributes.source_identity is not None:
            context["aws:SourceIdentity"] = attributes.source_identity
        return context


Caller = UserCaller | RoleCaller


class Authenticator:
    """Turns a signed request into its caller, or refuses it."""

    def __init__(
        self, *, directory: IamDirectory, credentials: CredentialRegister, clock: Clock
    ) -> None:
        self._directory = directory
        self._credentials = credentials
        self._clock = clock

    def authenticate(self, request: ReceivedRequest, authorization: Authorization) -> Caller:
        """Raises Refusal for an unknown key, a wrong signature or session token, and expiry."""
        key_id = authorization.access_key_id
        session = self._credentials.find(key_id)
        user_key = None if session else self._directory.user_key(key_id)
        known = session or user_key
        if known is None:
            raise Refusal(Failure.UNKNOWN_KEY, _INVALID)
        # Clients sign with the machine's time; the sandbox's offset only ages what it issued.
        verify(request, authorization, known.secret_access_key, now=datetime.now(UTC))
        token = request.headers.get("x-amz-security-token")
        caller = self._role(session, token) if session else _user(user_key, token)
        if get_partition(authorization.region) != caller.arn.split(":")[1]:
            raise Refusal(Failure.UNKNOWN_KEY, _INVALID)
        return caller

    def _role(self, session: TemporaryCredentials, token: str | None) -> RoleCaller:
        if not hmac.compare_digest(session.session_token.encode(), (token or "").encode()):
            raise Refusal(Failure.WRONG_SESSION_TOKEN, _INVALID)
        if session.expiration <= self._clock.now():
            raise Refusal(Failure.EXPIRED, _EXPIRED)
        role = self._directory.role(session.role.arn)
        # A role made anew under an old name does not inherit the old one's sessions.
        if role is None or role.id != session.role.unique_id:
            raise Refusal(Failure.UNKNOWN_KEY, _INVALID)
        return RoleCaller(role, session)


def _user(key: UserKey | None, token: str | None) -> UserCaller:
    if key is None or token is not None:
        raise Refusal(Failure.WRONG_SESSION_TOKEN, _INVALID)
    return UserCaller(key.user, key.account_id)


def iso(moment: datetime) -> str:
    """Whole seconds, in UTC, as AWS writes dates in condition keys."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _root(partition: str, account_id: str) -> str:
    return f"arn:{partition}:iam::{account_id}:root"


def _principal_tags(tags: Mapping[str, str]) -> dict[str, str]:
    return {f"aws:PrincipalTag/{key}": value for key, value in tags.items()}
