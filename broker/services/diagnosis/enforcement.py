"""What AWS really enforces: exchanges of good and of spoilt tokens (promise 2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from broker.domain.accounts import Account, Consent
from broker.domain.diagnosis import Check
from broker.domain.grants import Access
from broker.domain.ledger.entries import LedgerAction, Outcome, chain_of
from broker.domain.ports import Journal
from broker.domain.trail.own_sessions import OwnSession
from broker.errors import BrokerError, DependencyUnavailable, UpstreamRejected
from broker.services.ambient import Clock
from broker.services.calls import Call
from broker.services.lifecycle.canaries import Canaries, CanaryResult, access_keys


@dataclass(slots=True)
class _Run:
    """The canaries of one role: what came of them, and what ended them early."""

    access: Access
    results: list[CanaryResult] = field(default_factory=list)
    hindrance: BrokerError | None = None

    @property
    def negatives(self) -> Sequence[CanaryResult]:
        """What came of the spoilt tokens: all but the first."""
        return self.results[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementExamination:
    """Runs the canaries, and tells the ledger before and after: they are exchanges."""

    canaries: Canaries
    journal: Journal
    clock: Clock

    def enforced(self, account: Account, call: Call) -> Iterator[Check]:
        """Two checks a role: a good token is accepted, and every spoilt one refused.

        Raises LedgerUnavailable: then nothing is tried.
        """
        if account.consent is Consent.OFF:
            yield Check.not_run(
                "canaries",
                "The customer has switched access off.",
                mend="Nothing, until the customer switches it on again.",
            )
            return
        own = self.canaries.new_session()
        self._record(account, call, Outcome.INTENDED, own)
        runs = [self._run(account, access, own) for access in Access]
        well = all(_is_well(run) for run in runs)
        self._record(account, call, Outcome.DONE if well else Outcome.FAILED, own, runs)
        for run in runs:
            yield _accepted(account, run)
            yield _refused(account, run)

    def _run(self, account: Account, access: Access, own: OwnSession) -> _Run:
        run = _Run(access)
        try:
            for result in self.canaries.of_role(account, access, own):
                run.results.append(result)
        except (UpstreamRejected, DependencyUnavailable) as e:
            run.hindrance = e
        return run

    def _record(
        self,
        account: Account,
        call: Call,
        outcome: Outcome,
        own: OwnSession,
        runs: Sequence[_Run] = (),
    ) -> None:
        results = [result for run in runs for result in run.results]
        event = call.event(
            LedgerAction.CANARY,
            outcome,
            reason="doctor",
            ids=own.ids,
            details={
                "ran": [result.name for result in results],
                "failed": [f"{one.name}: {one.problem}" for one in results if one.problem],
                **own.details(access_keys(results)),
            },
        )
        self.journal.record(chain_of(account.account_id), event, now=self.clock())


def _is_well(run: _Run) -> bool:
    return run.hindrance is None and all(result.problem is None for result in run.results)


def _accepted(account: Account, run: _Run) -> Check:
    name = f"canary of the {run.access.value} role"
    if run.hindrance is not None and not run.results:
        return _hindered(name, run.hindrance)
    problem = run.results[0].problem
    if problem is None:
        return Check.ok(name, "AWS accepts a good token.")
    return Check.failed(
        name,
        f"{problem[:1].upper()}{problem[1:]}.",
        meaning="No session can be opened: AWS found no key, no provider or no role, or the trust "
        "policy refuses. The rows above tell which.",
        mend=f"Mend what fails above, then `broker accounts sync {account.account_id}`.",
    )


def _refused(account: Account, run: _Run) -> Check:
    name = f"negative canaries of the {run.access.value} role"
    accepted = [result.name for result in run.negatives if result.problem is not None]
    if accepted:
        return Check.failed(
            name,
            f"AWS accepted {'; '.join(one.partition(': ')[2] for one in accepted)}.",
            meaning="AWS does not enforce the ticket here: whoever held our key could get in "
            "without one.",
            mend=f"Revoke at once with `broker accounts revoke {account.account_id}`, then "
            f"`broker accounts sync {account.account_id}`.",
        )
    if run.hindrance is not None:
        return _hindered(name, run.hindrance)
    if not run.negatives:
        return Check.not_run(
            name,
            "AWS refuses a good token too, so refusing a spoilt one tells nothing.",
            mend="Mend the canary first.",
        )
    return Check.ok(name, f"AWS refuses every one of {len(run.negatives)} spoilt tokens.")


def _hindered(name: str, hindrance: BrokerError) -> Check:
    mend = "Try again once AWS and the issuer answer."
    return Check.not_run(name, hindrance.public_message, mend=mend)
