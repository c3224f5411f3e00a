"""The register of temporary credentials: everything the sandbox's STS ever gave out.

Long-lived access keys are IAM's and stay in moto; these are known here only.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from threading import Lock
from typing import Any

from broker.sandbox.clock import Clock
from broker.sandbox.policy.evaluation import PolicyDocument


@dataclass(frozen=True)
class RoleIdentity:
    """The role that a session acts as, as it stood when the session was opened."""

    arn: str
    unique_id: str  # AROA...

    @property
    def partition(self) -> str:
        return self.arn.split(":")[1]

    @property
    def account_id(self) -> str:
        return self.arn.split(":")[4]

    @property
    def name(self) -> str:
        return self.arn.rpartition("/")[2]


@dataclass(frozen=True)
class SessionAttributes:
    """What STS binds to a session besides its role, for as long as it lives.

    policies: session policies, of which one must allow each call; None for a session without.
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    transitive_tag_keys: tuple[str, ...] = ()
    source_identity: str | None = None
    policies: tuple[PolicyDocument, ...] | None = None


@dataclass(frozen=True)
class TemporaryCredentials:
    """One issue of credentials for a role session."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    role: RoleIdentity
    session_name: str
    attributes: SessionAttributes
    issued_at: datetime
    expiration: datetime

    @property
    def arn(self) -> str:
        """The assumed-role ARN, which names the role without its path."""
        role = self.role
        where = f"arn:{role.partition}:sts::{role.account_id}"
        return f"{where}:assumed-role/{role.name}/{self.session_name}"

    @property
    def assumed_role_id(self) -> str:
        return f"{self.role.unique_id}:{self.session_name}"

    def credentials_element(self) -> dict[str, Any]:
        """STS's output shape Credentials."""
        return {
            "AccessKeyId": self.access_key_id,
            "SecretAccessKey": self.secret_access_key,
            "SessionToken": self.session_token,
            "Expiration": self.expiration,
        }

    def assumed_role_user_element(self) -> dict[str, Any]:
        """STS's output shape AssumedRoleUser."""
        return {"AssumedRoleId": self.assumed_role_id, "Arn": self.arn}


_KEY_ALPHABET = string.ascii_uppercase + "234567"
_KEPT_AFTER_EXPIRY = timedelta(hours=12)


class CredentialRegister:
    """Issues temporary credentials and finds them again by access key id.

    Expired ones are kept for half a day, so that a late caller hears ExpiredToken and not that
    its key never existed.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._issued: dict[str, TemporaryCredentials] = {}

    def issue(
        self,
        *,
        role: RoleIdentity,
        session_name: str,
        duration: timedelta,
        attributes: SessionAttributes,
    ) -> TemporaryCredentials:
        """New credentials for a session of `role`; whether it may be opened is already decided."""
        now = self._clock.now().replace(microsecond=0)
        credentials = TemporaryCredentials(
            access_key_id="ASIA" + "".join(secrets.choice(_KEY_ALPHABET) for _ in range(16)),
            secret_access_key=secrets.token_urlsafe(30),
            session_token=secrets.token_urlsafe(252),
            role=role,
            session_name=session_name,
            attributes=attributes,
            issued_at=now,
            expiration=now + duration,
        )
        with self._lock:
            self._forget_old(now)
            self._issued[credentials.access_key_id] = credentials
        return credentials

    def find(self, access_key_id: str) -> TemporaryCredentials | None:
        """The credentials with this access key id, expired or not."""
        return self._issued.get(access_key_id)

    def _forget_old(self, now: datetime) -> None:
        """Entries stand in the order of issue: two are looked at for each one that comes."""
        oldest = [self._issued[key] for key in islice(self._issued, 2)]
        for credentials in oldest:
            if credentials.expiration + _KEPT_AFTER_EXPIRY < now:
                del self._issued[credentials.access_key_id]
