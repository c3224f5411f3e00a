"""Identity tokens made by the vendor's own operator, with the keys that are in KMS.

The broker never gives one away. Whoever holds the vendor's credentials can mint what he likes,
good tokens and bad ones, which is what these tests need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3

from broker.cli.demo.stage import NAME_PREFIX, Stage
from broker.domain.claims import TokenSubject, identity_claims
from broker.domain.identifiers import EngineerId, SessionId, TicketId
from keys.jose import encode_jws
from keys.kms import KmsSigner
from keys.types import Algorithm, Kid
from tests.e2e.programs import REGION

Account = Mapping[str, Any]
Claims = Mapping[str, object]


def unspoilt(claims: Claims) -> Claims:
    """The claims as the broker would have them."""
    return claims


def support_role(account: Account, name: str = "ReadOnly") -> str:
    """The ARN of one of the account's two support roles."""
    return f"arn:aws:iam::{account['account_id']}:role/{NAME_PREFIX}-Support-{name}"


@dataclass(frozen=True)
class Mint:
    """Signs with the vendor's credentials, as no caller of the broker could."""

    kms: Any

    @classmethod
    def of(cls, stage: Stage) -> Mint:
        """The mint of the stage's vendor."""
        client = boto3.client(
            "kms",
            region_name=REGION,
            endpoint_url=stage.sandbox.url,
            aws_access_key_id=stage.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=stage.environment["AWS_SECRET_ACCESS_KEY"],
        )
        return cls(client)

    def signer(self, account: Account, *, state: str = "active") -> KmsSigner:
        """The account's key in this state, found in KMS by its alias."""
        (key,) = [key for key in account["keys"] if key["state"] == state]
        issuer_id = account["issuer"].rpartition("/")[2]
        prefix = f"alias/{NAME_PREFIX.lower()}-support"
        alias = f"{prefix}/{account['account_id']}/{issuer_id[:16]}/{key['kid'][:16]}"
        found = self.kms.describe_key(KeyId=alias)["KeyMetadata"]
        return KmsSigner(
            kid=Kid(key["kid"]),
            algorithm=Algorithm(key["algorithm"]),
            arn=found["Arn"],
            client=self.kms,
        )

    def token(
        self,
        account: Account,
        *,
        role_arn: str | None = None,
        spoil: Callable[[Claims], Claims] = unspoilt,
        signer: KmsSigner | None = None,
        now: datetime | None = None,
    ) -> str:
        """A token such as the broker makes for the account's read role, spoilt as asked."""
        subject = TokenSubject(
            issuer=account["issuer"],
            subject=f"support:{account['account_id']}",
            role_arn=role_arn or support_role(account),
            engineer=EngineerId("mallory@vendor.example"),
            ticket_id=TicketId("T-666"),
            session_id=SessionId("s-00000000000000000000"),
            jti="minted-by-the-operator",
        )
        claims = spoil(identity_claims(subject, now=now or datetime.now(UTC)))
        return encode_jws(claims, signer=signer or self.signer(account), typ="JWT")
