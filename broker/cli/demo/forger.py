"""Identity tokens that the broker would never mint, to show what AWS itself answers to them.

The product has no way to make one, rightly: here the operator at the machine, who holds the
vendor's AWS keys and the store, signs with the account's real KMS key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from pydantic_core import from_json, to_json

from broker import settings
from broker.cli.demo.programs import REGION
from broker.cli.demo.stage import NAME_PREFIX, Stage, StageError
from broker.cli.demo.world import ENGINEER, TICKET
from broker.domain.accounts import Account, subject_of
from broker.domain.canaries import Claims
from broker.domain.claims import TAGS_CLAIM, TokenSubject, identity_claims
from broker.domain.grants import Access
from broker.domain.identifiers import AccountId, EngineerId, TicketId
from broker.domain.role_plan import role_arn
from broker.services.ambient import Entropy, utc_now
from broker.services.issuer.minting import Minter
from broker.store import open_store
from keys.jose import b64url_decode, b64url_encode
from keys.kms import PROVIDER, KmsKeyProvider

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_sts import STSClient


@dataclass(frozen=True, slots=True)
class Verdict:
    """What AWS answered: a code, and its words where it refused."""

    code: str
    words: str = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.words}" if self.words else self.code


ACCEPTED = Verdict("accepted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Forger:
    """Mints for any account, and presents the result to AWS at any role."""

    accounts: Mapping[str, Account]
    minter: Minter
    sts: STSClient = field(repr=False)
    entropy: Entropy

    def claims(self, account_id: str, *, now: datetime | None = None) -> Claims:
        """The claims of a good token for the read role, as the broker makes them."""
        account = self.accounts[account_id]
        subject = TokenSubject(
            issuer=account.issuer,
            subject=subject_of(account.account_id),
            role_arn=self.role(account_id, Access.READ),
            engineer=EngineerId.parse(ENGINEER),
            ticket_id=TicketId.parse(TICKET),
            session_id=self.entropy.session_id(),
            jti=self.entropy.jti(),
        )
        return identity_claims(subject, now=now or utc_now())

    def role(self, account_id: str, access: Access) -> str:
        """The ARN of one of the account's support roles."""
        account = self.accounts[account_id]
        return role_arn(account.account_id, account.partition, access, name_prefix=NAME_PREFIX)

    def sign(self, account_id: str, claims: Claims) -> str:
        """A token with these claims, signed with the account's real key."""
        return self.minter.mint(self.accounts[account_id], claims).compact

    def present(self, identity_token: str, *, at_role: str) -> Verdict:
        """AssumeRoleWithWebIdentity; the credentials, if there are any, are thrown away."""
        try:
            self.sts.assume_role_with_web_identity(
                RoleArn=at_role, RoleSessionName="forged", WebIdentityToken=identity_token
            )
        except ClientError as e:
            return Verdict(e.response["Error"]["Code"], e.response["Error"]["Message"])
        return ACCEPTED


def forger_of(stage: Stage, *account_ids: str) -> Forger:
    """A forger for these accounts of the stage. Raises StageError where one is not in the store."""
    kms = KmsKeyProvider(_kms(stage), alias_prefix="demo", tags={})
    return Forger(
        accounts={account_id: _stored(stage, account_id) for account_id in account_ids},
        minter=Minter(key_providers={PROVIDER: kms}),
        sts=boto3.client(
            "sts",
            region_name=REGION,
            endpoint_url=stage.sandbox.url,
            config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
        ),
        entropy=Entropy(),
    )


def tampered(identity_token: str, *, ticket: str) -> str:
    """The same token with another ticket in it, under the old signature."""
    header, payload, signature = identity_token.split(".")
    claims = from_json(b64url_decode(payload))
    claims[TAGS_CLAIM]["principal_tags"]["Ticket"] = [ticket]
    return ".".join((header, b64url_encode(to_json(claims)), signature))


def _kms(stage: Stage) -> KMSClient:
    return boto3.client(
        "kms",
        region_name=REGION,
        endpoint_url=stage.sandbox.url,
        aws_access_key_id=stage.environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=stage.environment["AWS_SECRET_ACCESS_KEY"],
    )


def _stored(stage: Stage, account_id: str) -> Account:
    url = settings.load(stage.environment).store_url.get_secret_value()
    with open_store(url) as store:
        found = store.accounts.get(AccountId.parse(account_id))
    if found is None:
        raise StageError(f"{account_id} is not in the store.")
    return found.record
