"""Keeping an account's keys: a next one always staged, each in its time, none lost or made twice.

Before a key is made the record says so (`staging_since`), together with whatever led to it. A run
that finds this mark left by another looks for that key at the provider before it makes one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from broker.domain.accounts import LEAVING, WITHOUT_ROLES, Account, AccountState, Consent
from broker.domain.identifiers import AccountId
from broker.domain.ledger.entries import Detail, Event, LedgerAction, Outcome, chain_of
from broker.domain.ports import AccountRepository, Journal, Save, Versioned
from broker.domain.trail.own_sessions import OwnSession
from broker.errors import Conflict, DependencyUnavailable
from broker.services.ambient import Clock
from broker.services.calls import Call
from broker.services.lifecycle.canaries import Canaries, CanaryResult, access_keys
from broker.services.registered import registered
from keys.errors import KeyProviderError
from keys.rotation import Records, activate, forget, reject, signs, stage, withdraw
from keys.rotation_plan import (
    ActivateKey,
    ForgetKey,
    RotationPolicy,
    StageKey,
    Step,
    WithdrawKey,
    due_steps,
    next_due,
)
from keys.types import Algorithm, KeyOwner, KeyProvider, KeyReference, Kid, ProviderKeyState

POSTPONED = timedelta(hours=1)
"""When a step is tried again that was due and could not be done, such as a failed canary."""

_ROUNDS = 100
"""Far more steps than any account can have to do, and than writes can come between."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Turn:
    """The account as it is now, and whether this run itself has marked that it makes a key."""

    stored: Versioned[Account]
    marked_at: datetime | None

    @property
    def account(self) -> Account:
        return self.stored.record


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyKeeping:
    """Does what is due with an account's keys; `maker` names the provider of new ones."""

    journal: Journal
    accounts: AccountRepository
    providers: Mapping[str, KeyProvider]
    maker: str
    algorithm: Algorithm
    canaries: Canaries
    policy: RotationPolicy
    clock: Clock

    def tend(
        self, account_id: AccountId, call: Call, *, marked_at: datetime | None = None
    ) -> Account:
        """Do what is due now, under the account's lease; safe to repeat, and after any crash.

        `marked_at` is the `staging_since` that the caller itself has just written: only then is
        it certain that no key was made yet. A staged key that fails its canary does not sign, is
        recorded and tried again later. Raises NotFound, and DependencyUnavailable where the key
        provider, AWS, the store or the ledger is gone.
        """
        turn = _Turn(registered(self.accounts, account_id), marked_at)
        refused: set[Step] = set()
        for _ in range(_ROUNDS):
            step = self._next_step(turn.account, refused)
            if step is None:
                return turn.account
            try:
                done = self._do(step, turn, call)
            except Conflict:
                # Whatever was written meanwhile, a key may have been made before it: look.
                turn = _Turn(registered(self.accounts, account_id), None)
                continue
            if done is None:
                refused.add(step)
            else:
                turn = done
        raise DependencyUnavailable("The account is written to by too many at once. Try again.")

    def next_check(self, account: Account) -> datetime:
        """When to tend the account again; not at once, should something have been postponed."""
        due = next_due(account.keys, self.policy, asked_at=account.rotation_asked_at)
        return max(due, self.clock() + POSTPONED)

    def with_keys(self, account: Account, keys: Records) -> Account:
        """`account` with these keys, marked until there is one that signs and one that is staged.

        Once nothing more is due, an account that waits for its stack is not looked at again.
        """
        now = self.clock()
        due = due_steps(keys, now, self.policy)
        lacks_one = not signs(keys) or any(isinstance(step, StageKey) for step in due)
        marked = replace(
            account,
            keys=keys,
            staging_since=(account.staging_since or now) if lacks_one else None,
        )
        # A time that has come already was set by somebody who wants more than keys.
        waits = account.state is AccountState.REGISTERED and not _has_come(
            account.next_check_at, now
        )
        return replace(marked, next_check_at=None) if waits and not due else marked

    def unrecorded(self, account: Account) -> tuple[KeyReference, ...]:
        """Keys that were made for the account and that its record does not know, after a crash."""
        known = {key.kid for key in account.keys}
        with _provider_errors():
            found = self.providers[self.maker].find(_owner(account))
        return tuple(reference for reference in found if reference.kid not in known)

    def discard_unrecorded(self, account: Account) -> None:
        """Schedule the deletion of what an interrupted run has made for an account that leaves."""
        if account.staging_since is None:
            return
        for reference in self.unrecorded(account):
            self.end(reference)

    def _next_step(self, account: Account, refused: set[Step]) -> Step | None:
        if account.state in LEAVING:
            return None
        steps = due_steps(
            account.keys, self.clock(), self.policy, asked_at=account.rotation_asked_at
        )
        return next((step for step in steps if step not in refused), None)

    def _do(self, step: Step, turn: _Turn, call: Call) -> _Turn | None:
        """The turn after the step, or None where it has to be put off."""
        match step:
            case StageKey():
                return self._stage(step, turn, call)
            case ActivateKey():
                return self._activate(step, turn, call)
            case WithdrawKey():
                return self._withdraw(step, turn, call)
            case ForgetKey():
                return self._forget(step, turn, call)

    def _stage(self, step: StageKey, turn: _Turn, call: Call) -> _Turn:
        if turn.account.staging_since is None:
            return self._mark(step, turn, call)
        reference = self._found(turn) or self._made(turn.account)
        keys = stage(turn.account.keys, reference, now=self.clock())
        unmarked = replace(turn.account, staging_since=None)
        event = _event(call, LedgerAction.KEY_STAGED, reference.kid, reason=step.why)
        return self._save(turn, self.with_keys(unmarked, keys), event)

    def _mark(self, step: StageKey, turn: _Turn, call: Call) -> _Turn:
        event = call.event(LedgerAction.KEY_STAGED, Outcome.INTENDED, reason=step.why)
        return self._save(turn, self.with_keys(turn.account, turn.account.keys), event)

    def _found(self, turn: _Turn) -> KeyReference | None:
        """The key that an interrupted run has left; should there be more, they show as orphans."""
        if turn.account.staging_since == turn.marked_at:
            return None
        usable = (
            reference
            for reference in self.unrecorded(turn.account)
            if reference.algorithm is self.algorithm
        )
        return next(usable, None)

    def _made(self, account: Account) -> KeyReference:
        with _provider_errors():
            return self.providers[self.maker].create(
                owner=_owner(account), algorithm=self.algorithm
            )

    def _activate(self, step: ActivateKey, turn: _Turn, call: Call) -> _Turn | None:
        account = turn.account
        ids: Mapping[str, str] = {}
        details: Mapping[str, Detail] = {"canary": "not needed"}
        if signs(account.keys) and account.state not in WITHOUT_ROLES:
            if account.consent is Consent.OFF:
                # Nothing is signed while access is off, so that the present key does no harm.
                return None
            state = self._state_of(account, step.kid)
            if state is not ProviderKeyState.ENABLED:
                return self._reject(step.kid, state, turn, call)
            own = self.canaries.new_session()
            result = self._tried(account, step, own, call)
            if result.problem is not None:
                self._record_refusal(account, step.kid, result.problem, own, call)
                return None
            ids = own.ids
            details = {"canary": "passed", **own.details(access_keys([result]))}
        keys = activate(account.keys, step.kid, now=self.clock())
        activated = replace(self.with_keys(account, keys), rotation_asked_at=None)
        event = _event(
            call,
            LedgerAction.KEY_ACTIVATED,
            step.kid,
            reason=step.why,
            ids=ids,
            details=details,
        )
        return self._save(turn, activated, event)

    def _state_of(self, account: Account, kid: Kid) -> ProviderKeyState:
        reference = _reference(account, kid)
        with _provider_errors():
            return self._provider_of(reference).describe(reference)

    def _reject(self, kid: Kid, state: ProviderKeyState, turn: _Turn, call: Call) -> _Turn:
        """Another key is staged in the place of one that somebody has disabled or lost."""
        self.end(_reference(turn.account, kid))
        keys = reject(turn.account.keys, kid, now=self.clock())
        reason = f"it never signed, and its provider says that it is {state.value}"
        event = _event(call, LedgerAction.KEY_WITHDRAWN, kid, reason=reason)
        return self._save(turn, self.with_keys(turn.account, keys), event)

    def _tried(
        self, account: Account, step: ActivateKey, own: OwnSession, call: Call
    ) -> CanaryResult:
        """What AWS says of a token of the key; the ledger knows of it before AWS does."""
        intended = _event(
            call,
            LedgerAction.KEY_ACTIVATED,
            step.kid,
            outcome=Outcome.INTENDED,
            reason=step.why,
            ids=own.ids,
            details=own.details(),
        )
        self.journal.record(chain_of(account.account_id), intended, now=self.clock())
        return self.canaries.prove_key(account, _reference(account, step.kid), own)

    def _record_refusal(
        self, account: Account, kid: Kid, problem: str, own: OwnSession, call: Call
    ) -> None:
        _log.error("key_canary_failed", account=account.account_id, kid=kid, problem=problem)
        event = _event(
            call,
            LedgerAction.KEY_ACTIVATED,
            kid,
            outcome=Outcome.FAILED,
            reason=f"its canary failed: {problem}",
            ids=own.ids,
            details=own.details(),
        )
        self.journal.record(chain_of(account.account_id), event, now=self.clock())

    def _withdraw(self, step: WithdrawKey, turn: _Turn, call: Call) -> _Turn:
        self.end(_reference(turn.account, step.kid))
        keys = withdraw(turn.account.keys, step.kid, now=self.clock())
        event = _event(call, LedgerAction.KEY_WITHDRAWN, step.kid, reason=step.why)
        return self._save(turn, self.with_keys(turn.account, keys), event)

    def end(self, reference: KeyReference) -> None:
        """Stop a key from signing, for good. Raises DependencyUnavailable; safe to repeat."""
        with _provider_errors():
            provider = self._provider_of(reference)
            provider.disable(reference)
            provider.schedule_deletion(reference, days=self.policy.deletion_days)

    def _provider_of(self, reference: KeyReference) -> KeyProvider:
        provider = self.providers.get(reference.provider)
        if provider is None:
            raise DependencyUnavailable(
                f"A key is kept by {reference.provider}, and BROKER_KEY_PROVIDER is another."
            )
        return provider

    def _forget(self, step: ForgetKey, turn: _Turn, call: Call) -> _Turn:
        keys = forget(turn.account.keys, step.kid)
        event = _event(
            call,
            LedgerAction.KEY_WITHDRAWN,
            step.kid,
            reason=step.why,
            details={"record": "dropped"},
        )
        return self._save(turn, self.with_keys(turn.account, keys), event)

    def _save(self, turn: _Turn, account: Account, event: Event) -> _Turn:
        self.journal.record(
            chain_of(account.account_id),
            event,
            now=self.clock(),
            saves=[Save(account, expected=turn.stored.version)],
        )
        inherited = account.staging_since == turn.account.staging_since
        return _Turn(
            Versioned(account, turn.stored.version + 1),
            turn.marked_at if inherited else account.staging_since,
        )


def _reference(account: Account, kid: Kid) -> KeyReference:
    return next(key.reference for key in account.keys if key.kid == kid)


def _owner(account: Account) -> KeyOwner:
    return KeyOwner(account_id=account.account_id, issuer_id=account.issuer_id)


def _has_come(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


def _event(
    call: Call,
    action: LedgerAction,
    kid: Kid,
    *,
    reason: str,
    outcome: Outcome = Outcome.DONE,
    ids: Mapping[str, str] | None = None,
    details: Mapping[str, Detail] | None = None,
) -> Event:
    return call.event(
        action, outcome, reason=reason, ids={"kid": kid, **(ids or {})}, details=details
    )


@contextmanager
def _provider_errors() -> Iterator[None]:
    """Raise DependencyUnavailable (`aws_unavailable`) for what the key provider raises."""
    try:
        yield
    except KeyProviderError as e:
        raise DependencyUnavailable(
            "The account's keys cannot be worked on at the moment. Try again shortly."
        ) from e
