"""Proving what the support roles of an account may really do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from broker.domain.accounts import Account
from broker.domain.identifiers import AccountId
from broker.domain.identity.permissions import Action
from broker.domain.ledger.entries import Detail, LedgerAction, Outcome, chain_of
from broker.domain.ports import AccountRepository, Journal, ManagementRole
from broker.domain.proofs.action_catalogue import ActionCatalogue
from broker.domain.proofs.proof import Proof, Verdict
from broker.domain.proofs.proving import managed_policies, prove
from broker.domain.role_plan import RolePolicy, wanted_in
from broker.errors import DependencyUnavailable, UpstreamRejected
from broker.services.ambient import Clock
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.registered import registered


@dataclass(frozen=True, slots=True, kw_only=True)
class Prove:
    """Reads what is attached in the account, judges it, and keeps the verdict in the ledger."""

    journal: Journal
    accounts: AccountRepository
    gate: Gate
    management: ManagementRole
    catalogue: Callable[[], ActionCatalogue]
    policy: RolePolicy
    clock: Clock

    def subject(self, account_id: AccountId, call: Call) -> Account:
        """The account that a proof would be about. Raises AccessDenied, NotFound."""
        self.gate.require(call, Action.PROVE_ACCOUNT, account_id=account_id)
        return registered(self.accounts, account_id).record

    def __call__(self, account_id: AccountId, call: Call) -> Proof:
        """A proof made now; it changes nothing in the account.

        Raises AccessDenied, NotFound, and UpstreamRejected or DependencyUnavailable where AWS does
        not let us read: then there is no proof at all, and the ledger says so.
        """
        account = self.subject(account_id, call)
        try:
            proof = self._made(account)
        except (UpstreamRejected, DependencyUnavailable) as e:
            self._record(account_id, call, Outcome.FAILED, reason=e.code)
            raise
        self._record_verdict(proof, call)
        return proof

    def _made(self, account: Account) -> Proof:
        managed = self.management.assume(account)
        now = self.clock()
        wanted = wanted_in(account, self.policy, now=now)
        observed = managed.observe(wanted)
        return prove(
            account,
            wanted,
            observed,
            managed.policy_documents(managed_policies(observed)),
            name_prefix=self.policy.name_prefix,
            catalogue=self.catalogue(),
            now=now,
        )

    def _record_verdict(self, proof: Proof, call: Call) -> None:
        good = proof.verdict is Verdict.READ_ONLY
        self._record(
            proof.account_id,
            call,
            Outcome.DONE if good else Outcome.FAILED,
            reason=proof.verdict.value,
            details={
                "digest": proof.digest,
                "catalogue": proof.catalogue_version,
                "reasons": list(proof.reasons),
            },
        )

    def _record(
        self,
        account_id: AccountId,
        call: Call,
        outcome: Outcome,
        *,
        reason: str,
        details: Mapping[str, Detail] | None = None,
    ) -> None:
        event = call.event(
            LedgerAction.ACCOUNT_PROVED,
            outcome,
            reason=reason,
            ids={"account": account_id},
            details=details,
        )
        self.journal.record(chain_of(account_id), event, now=self.clock())
