"""The management role: the way into a customer's IAM."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from broker.aws.account_iam import IamOfAccount
from broker.aws.clients import Clients
from broker.aws.errors import translated
from broker.domain.accounts import Account
from broker.domain.role_plan import management_role_arn
from broker.domain.sessions import Credentials

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

SESSION_NAME = "support-broker-lifecycle"
SESSION_SECONDS = 900
"""The shortest that STS gives: one pass over an account takes seconds."""


class StsManagementRole:
    """Assumes management roles with the broker's own credentials."""

    def __init__(self, *, clients: Clients, name_prefix: str) -> None:
        self._clients = clients
        self._sts: STSClient = clients.sts()
        self._name_prefix = name_prefix

    def assume(self, account: Account) -> IamOfAccount:
        """The account's IAM; the account's own ExternalId proves that the stack is its own."""
        with translated(
            "AssumeRole",
            refused="The management role is missing in the customer's account, or it refuses us. "
            "Has the stack been created there with this account's ExternalId?",
        ):
            given = self._sts.assume_role(
                RoleArn=management_role_arn(
                    account.account_id, account.partition, name_prefix=self._name_prefix
                ),
                RoleSessionName=SESSION_NAME,
                ExternalId=account.external_id,
                DurationSeconds=SESSION_SECONDS,
            )["Credentials"]
        credentials = Credentials(
            access_key_id=given["AccessKeyId"],
            secret_access_key=given["SecretAccessKey"],
            session_token=given["SessionToken"],
            expiration=given["Expiration"].astimezone(UTC),
        )
        return IamOfAccount(self._clients.iam(credentials))
