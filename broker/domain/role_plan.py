"""What is wanted in a customer's account: one identity provider and two roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.domain.accounts import Account, Consent, Payer, Profile, subject_of
from broker.domain.claims import AUDIENCE
from broker.domain.grants import Access
from broker.domain.iam_documents import (
    Document,
    condition_prefix,
    denial,
    denied_reads,
    support_cases,
    trust_policy,
)
from broker.domain.identifiers import AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """The identity provider as wanted."""

    arn: str
    url: str
    client_ids: frozenset[str]
    tags: Mapping[str, str]
    thumbprints: frozenset[str] = frozenset()
    """Empty where the certificate's chain ends in a root that AWS trusts: then IAM fills in one
    of its own, and nothing is compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSpec:
    """A support role as wanted; the boundary caps it whatever its policies say."""

    name: str
    arn: str
    description: str
    boundary: str
    managed_policies: frozenset[str]
    inline_policies: Mapping[str, Document]
    trust: Document
    longest_session: timedelta
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """All that should stand in one account."""

    provider: ProviderSpec
    roles: tuple[RoleSpec, ...]
    role_names: str
    """What the name of every role of ours begins with, those of older versions included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolePolicy:
    """What the operator decides for every account."""

    name_prefix: str
    longest_session: timedelta
    thumbprints: frozenset[str] = frozenset()
    pinned_partitions: frozenset[str]
    """Partitions in which the trust policy demands that a token is pinned to its role."""

    @property
    def own_tags(self) -> Mapping[str, str]:
        """What marks every provider and role as ours."""
        return {"ManagedBy": f"{self.name_prefix}-Support"}

    @property
    def role_names(self) -> str:
        """What the name of every role of ours begins with."""
        return f"{self.name_prefix}-Support"


REVOCATIONS = "Revocations"
"""The name of the inline policy that denies what was revoked."""

_SUFFIX = {Access.READ: "Support-ReadOnly", Access.CASE: "Support-Cases"}


def role_arn(account_id: AccountId, partition: str, access: Access, *, name_prefix: str) -> str:
    """The ARN of the role that sessions with `access` assume."""
    return f"arn:{partition}:iam::{account_id}:role/{name_prefix}-{_SUFFIX[access]}"


def management_role_arn(account_id: AccountId, partition: str, *, name_prefix: str) -> str:
    """The ARN of the role that the customer's stack made for the broker."""
    name = f"{name_prefix}_Management_Role_DO-NOT-DELETE"
    return f"arn:{partition}:iam::{account_id}:role/{name}"


def provider_arn(account: Account) -> str:
    """The ARN that IAM gives to the account's identity provider."""
    prefix = condition_prefix(account.issuer)
    return f"arn:{account.partition}:iam::{account.account_id}:oidc-provider/{prefix}"


def wanted_in(account: Account, policy: RolePolicy, *, now: datetime) -> Wanted:
    """The provider and the roles that `account` should have under `policy` at `now`."""
    tags = policy.own_tags
    provider = ProviderSpec(
        arn=provider_arn(account),
        url=account.issuer,
        client_ids=frozenset({AUDIENCE}),
        tags=tags,
        thumbprints=policy.thumbprints,
    )
    trust = trust_policy(
        issuer=account.issuer,
        provider_arn=provider.arn,
        subject=subject_of(account.account_id),
        pinned=account.partition in policy.pinned_partitions,
    )
    revoked = _revoked(account, now)
    read = _Content(
        description="Read-only access for support tickets",
        boundary="ReadOnlyAccess",
        managed=_managed_policies(account),
        inline={
            "DeniedReads": denied_reads(account.profile, partition=account.partition),
            **revoked,
        },
    )
    case = _Content(
        description="AWS support cases on the customer's behalf",
        boundary="AWSSupportAccess",
        managed=(),
        inline={"SupportCases": support_cases(), **revoked},
    )
    aws_managed = f"arn:{account.partition}:iam::aws:policy/"

    def role(access: Access, content: _Content) -> RoleSpec:
        arn = role_arn(
            account.account_id, account.partition, access, name_prefix=policy.name_prefix
        )
        return RoleSpec(
            name=arn.rsplit("/", 1)[1],
            arn=arn,
            description=content.description,
            boundary=aws_managed + content.boundary,
            managed_policies=frozenset(aws_managed + name for name in content.managed),
            inline_policies=content.inline,
            trust=trust,
            longest_session=policy.longest_session,
            tags=tags,
        )

    return Wanted(
        provider=provider,
        roles=(role(Access.READ, read), role(Access.CASE, case)),
        role_names=policy.role_names,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """What tells the two roles apart; policies by name, below the partition's `aws:policy/`."""

    description: str
    boundary: str
    managed: tuple[str, ...]
    inline: Mapping[str, Document]


def _revoked(account: Account, now: datetime) -> Mapping[str, Document]:
    """What ends live sessions, as an inline policy of its own in both roles."""
    document = denial(account.revocations.at(now), everything=account.consent is Consent.OFF)
    return {} if document is None else {REVOCATIONS: document}


def _managed_policies(account: Account) -> tuple[str, ...]:
    reads = {
        Profile.METADATA: ("job-function/ViewOnlyAccess", "SecurityAudit"),
        Profile.FULL: ("ReadOnlyAccess",),
    }[account.profile]
    if account.payer is Payer.YES:
        return (*reads, "AWSBillingReadOnlyAccess", "AWSOrganizationsReadOnlyAccess")
    return reads
