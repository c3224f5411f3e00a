"""What stands in a customer's account, set beside what should: provider, boundaries, the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from broker.domain.diagnosis import Check
from broker.domain.diagnosis.conditions import shown
from broker.domain.identifiers import AccountId
from broker.domain.observed import Observed, ObservedProvider, ObservedRole
from broker.domain.role_plan import ProviderSpec, RoleSpec
from broker.domain.steps import (
    AddClientId,
    CreateProvider,
    CreateRole,
    RemoveClientId,
    SetBoundary,
    SetTrustPolicy,
    Step,
    describe,
)

PROVIDER, REST = "identity provider", "everything else in the account"

_TOLD_ELSEWHERE = (
    AddClientId,
    CreateProvider,
    CreateRole,
    RemoveClientId,
    SetBoundary,
    SetTrustPolicy,
)
"""Steps for what a check of its own has found already."""


def diagnose_provider(wanted: ProviderSpec, observed: Observed) -> Iterator[Check]:
    """The identity provider: that it is there under the issuer's exact URL, with our audience."""
    found = observed.provider
    if found is None:
        yield _missing_provider(wanted, observed)
        return
    yield from list(_faults_of_provider(wanted, found)) or [
        Check.ok(PROVIDER, "It is there, under the issuer's exact URL and with our audience.")
    ]


def _faults_of_provider(wanted: ProviderSpec, found: ObservedProvider) -> Iterator[Check]:
    mend = _mend(_account_of(wanted.arn))
    missing = sorted(wanted.client_ids - found.client_ids)
    added = sorted(found.client_ids - wanted.client_ids)
    if missing:
        there = f" There is {_list(added)}." if added else ""
        yield Check.failed(
            PROVIDER,
            f"Our audience is not among its client ids: {_list(missing)}.{there}",
            meaning="AWS refuses every token, because its `aud` is nobody that the provider knows.",
            mend=f"Add it. {mend}",
        )
    elif added:
        yield Check.warning(
            PROVIDER,
            f"It has client ids that are not ours: {_list(added)}.",
            meaning="The trust policies still demand our audience, so nobody gets in by them.",
            mend=f"Take them out. {mend}",
        )
    if wanted.thumbprints and found.thumbprints != wanted.thumbprints:
        yield Check.failed(
            PROVIDER,
            "Its certificate thumbprints are not ours.",
            meaning="Where no authority that AWS trusts signed our certificate, AWS cannot fetch "
            "the keys.",
            mend=mend,
        )


def _missing_provider(wanted: ProviderSpec, observed: Observed) -> Check:
    near = [arn for arn in observed.leftover_providers if _nearly(arn, wanted.arn)]
    found = "There is none for our issuer."
    if near:
        what = "a trailing slash" if near[0].endswith("/") else "another letter case"
        found = f"There is none for our issuer, but one with {what}: {shown(_url(near[0]))}."
    return Check.failed(
        PROVIDER,
        found,
        meaning="AWS knows no keys for our tokens and refuses every one. A provider's URL must "
        "equal the token's `iss` character by character.",
        mend=f"Have it made. {_mend(_account_of(wanted.arn))}",
    )


def diagnose_boundary(role: RoleSpec, found: ObservedRole) -> Check:
    """The permissions boundary, which caps the role whatever else is done to it (promise 3)."""
    name = f"boundary of {role.name}"
    wanted = role.boundary.rpartition("/")[2]
    if found.boundary == role.boundary:
        return Check.ok(name, f"{wanted} caps the role.")
    there = "There is none" if found.boundary is None else "Another policy is the boundary"
    return Check.failed(
        name,
        f"{there}, where {wanted} should be.",
        meaning="Nothing caps what the role's policies may come to allow.",
        mend=f"Set it. {_mend(_account_of(role.arn))}",
    )


def missing_role(role: RoleSpec) -> Check:
    """A role that is not there."""
    return Check.failed(
        f"trust policy of {role.name}",
        "The role does not exist.",
        meaning="There is nothing to assume, so AWS refuses every token for it.",
        mend=f"Have it made. {_mend(_account_of(role.arn))}",
    )


def diagnose_rest(account_id: AccountId, steps: Iterable[Step]) -> Check:
    """Whatever else a reconciliation would change, from its plan."""
    left = [step for step in steps if not isinstance(step, _TOLD_ELSEWHERE)]
    if not left:
        return Check.ok(REST, "Policies, durations and tags are as they should be.")
    listed = "; ".join(f"{describe(step)} ({step.why})" for step in left)
    return Check.failed(
        REST,
        f"A reconciliation would do this: {listed}.",
        meaning="The roles allow more or less than they promise.",
        mend=_mend(account_id),
    )


def _nearly(arn: str, wanted: str) -> bool:
    return arn.rstrip("/").casefold() == wanted.casefold()


def _url(provider_arn: str) -> str:
    return provider_arn.partition("oidc-provider/")[2]


def _list(values: Iterable[str]) -> str:
    return ", ".join(shown(value) for value in values)


def _account_of(arn: str) -> str:
    return arn.split(":")[4]


def _mend(account_id: str) -> str:
    return f"`broker accounts sync {account_id}` does it."
