"""What stands in the customer's account: the way in, the provider, the roles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from broker.domain.accounts import Account, Consent, subject_of
from broker.domain.diagnosis import Check
from broker.domain.diagnosis.estate import (
    PROVIDER,
    REST,
    diagnose_boundary,
    diagnose_provider,
    diagnose_rest,
    missing_role,
)
from broker.domain.diagnosis.trust import Presented, diagnose_trust
from broker.domain.lifecycle import plan, silencing_plan
from broker.domain.observed import Observed
from broker.domain.ports import ManagementRole
from broker.domain.role_plan import RolePolicy, RoleSpec, Wanted, wanted_in
from broker.errors import UpstreamRejected
from broker.services.ambient import Clock, Entropy

WAY_IN = "management role"
EXTERNAL_ID = "ExternalId"


@dataclass(frozen=True, slots=True, kw_only=True)
class EstateExamination:
    """Looks through the management role, and changes nothing."""

    management: ManagementRole
    policy: RolePolicy
    clock: Clock
    entropy: Entropy

    def way_in(self, account: Account) -> Iterator[Check]:
        """That the role lets us in with the account's ExternalId, and nobody with another."""
        try:
            self.management.assume(account)
        except UpstreamRejected:
            yield _no_way_in(account)
            yield Check.not_run(
                EXTERNAL_ID,
                "A role that refuses us tells nothing by refusing others.",
                mend="Mend the management role first.",
            )
            return
        yield Check.ok(WAY_IN, "It lets us in with the account's ExternalId.")
        yield self._external_id(account)

    def _external_id(self, account: Account) -> Check:
        stranger = replace(account, external_id=self.entropy.external_id())
        try:
            self.management.assume(stranger)
        except UpstreamRejected:
            return Check.ok(EXTERNAL_ID, "With another one, the management role refuses us.")
        return Check.failed(
            EXTERNAL_ID,
            "The management role lets us in with any ExternalId.",
            meaning="Whoever registers this account number with the vendor gets into the account: "
            "a confused deputy.",
            mend="Have the customer update the stack, whose template demands the ExternalId.",
        )

    def standing(self, account: Account) -> Iterator[Check]:
        """Provider, trust policies, boundaries, and whatever else a reconciliation would mend."""
        wanted = wanted_in(account, self.policy, now=self.clock())
        try:
            observed = self.management.assume(account).observe(wanted)
        except UpstreamRejected as e:
            for name in _names(wanted):
                yield Check.not_run(name, e.public_message, mend="Mend the management role first.")
            return
        if account.consent is Consent.OFF:
            # Whatever the customer changed or took away meanwhile is the customer's intent.
            steps = silencing_plan(wanted, observed)
            yield diagnose_rest(account.account_id, steps)
            return
        yield from diagnose_provider(wanted.provider, observed)
        for role in wanted.roles:
            yield from self._role(account, wanted, role, observed)
        missing = {name for name, found in observed.roles.items() if found is None}
        steps = tuple(
            step
            for step in plan(wanted, observed)
            if getattr(step, "role_name", None) not in missing
        )
        yield diagnose_rest(account.account_id, steps)

    def _role(
        self, account: Account, wanted: Wanted, role: RoleSpec, observed: Observed
    ) -> Iterator[Check]:
        found = observed.roles.get(role.name)
        if found is None:
            yield missing_role(role)
            return
        presented = Presented(
            issuer=account.issuer,
            provider_arn=wanted.provider.arn,
            subject=subject_of(account.account_id),
            role_arn=role.arn,
            pinned=account.partition in self.policy.pinned_partitions,
        )
        yield from diagnose_trust(presented, found.trust)
        yield diagnose_boundary(role, found)


def _no_way_in(account: Account) -> Check:
    return Check.failed(
        WAY_IN,
        "It is missing in the customer's account, or it refuses us.",
        meaning="Nothing there can be looked at, mended, revoked or removed.",
        mend="Have the customer create the stack, or update it, by the launch link of "
        f"`broker accounts show {account.account_id}`: it fills in our account and the ExternalId.",
    )


def _names(wanted: Wanted) -> list[str]:
    of_roles = (
        name
        for role in wanted.roles
        for name in (f"trust policy of {role.name}", f"boundary of {role.name}")
    )
    return [PROVIDER, *of_roles, REST]
