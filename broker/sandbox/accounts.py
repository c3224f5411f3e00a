"""Accounts of the sandbox and the long-lived keys that their owners begin with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from moto.iam.models import IAMBackend, User, iam_backends
from moto.utilities.utils import PARTITION_NAMES

from broker.sandbox.policy.evaluation import PolicyDocument, PolicyError, PolicyKind

ADMIN = "sandbox-admin"
BROKER = "broker"


class ControlError(ValueError):
    """A request to the sandbox's own interface that it cannot carry out; the text says why."""


@dataclass(frozen=True)
class AccessKeys:
    """A long-lived access key of an IAM user."""

    account_id: str
    user_arn: str
    access_key_id: str
    secret_access_key: str = field(repr=False)


class Accounts:
    """Makes accounts, each with an administrator; asking again gives the same keys again."""

    def __init__(self) -> None:
        self._lock = Lock()

    def create(
        self, account_id: str, *, partition: str = "aws", policy: Mapping[str, Any] | None = None
    ) -> AccessKeys:
        """The administrator's keys, or those of the user `broker` with `policy` as its limit."""
        if not re.fullmatch(r"\d{12}", account_id, re.ASCII):
            raise ControlError(f"{account_id!r} is not an account id of twelve digits")
        if partition not in PARTITION_NAMES:
            raise ControlError(f"There is no partition {partition!r}")
        with self._lock:
            iam = iam_backends[account_id][partition]
            admin = _user(iam, ADMIN)
            administrator = f"arn:{partition}:iam::aws:policy/AdministratorAccess"
            iam.managed_policies[administrator].attach_to(admin)
            if policy is None:
                return _keys(iam, admin)
            broker = _user(iam, BROKER)
            broker.policies["limit"] = _checked(policy)
            return _keys(iam, broker)

    def admin(self, account_id: str, partition: str = "aws") -> AccessKeys:
        """ControlError if the account was never made."""
        account = iam_backends.get(account_id)
        iam = account.get(partition) if account is not None else None
        if iam is None or ADMIN not in iam.users:
            raise ControlError(f"There is no account {account_id} in {partition}; create it first")
        return _keys(iam, iam.users[ADMIN])


def _user(iam: IAMBackend, name: str) -> User:
    if name in iam.users:
        return iam.users[name]
    return iam.create_user(iam.partition, name)


def _keys(iam: IAMBackend, user: User) -> AccessKeys:
    key = user.access_keys[0] if user.access_keys else iam.create_access_key(user.name)
    return AccessKeys(iam.account_id, user.arn, key.access_key_id, key.secret_access_key)


def _checked(policy: Mapping[str, Any]) -> str:
    try:
        PolicyDocument.parse(policy, PolicyKind.IDENTITY)
    except PolicyError as error:
        raise ControlError(f"The policy is malformed: {error}") from error
    return json.dumps(policy)
