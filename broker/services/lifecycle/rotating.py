"""Rotating an account's keys on request: in its time, or at once where a key may be misused."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from broker.domain.accounts import LEAVING, WITHOUT_ROLES, Account, Consent
from broker.domain.identifiers import AccountId, SessionId
from broker.domain.identity.permissions import Action
from broker.domain.ledger.entries import Event, LedgerAction, Outcome, chain_of
from broker.domain.ports import AccountRepository, Journal, Save
from broker.domain.sessions import Session
from broker.errors import Conflict, DependencyUnavailable
from broker.services.ambient import Clock
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.leasing import Leasing
from broker.services.lifecycle.canaries import Canaries, CanaryResult, access_keys
from broker.services.lifecycle.key_keeping import KeyKeeping
from broker.services.lifecycle.reconcile import Depth, Reconcile
from broker.services.registered import registered
from keys.rotation import active, compromise, signs

PATIENCE = timedelta(seconds=20)
"""How long a request waits for another pass over the account to end."""

_TRIES = 10
"""Writes of one account's record that meet take turns."""

COMPROMISED = "a signing key may be compromised"
"""Why all sessions end in an emergency, as the ledger has it."""


_Change = Callable[[Account, Call], tuple[Account, tuple[Event, ...]]]


class Urgency(StrEnum):
    """How soon the next key has to sign."""

    WHEN_READY = "when ready"
    """As soon as it has been published for long enough, and a canary has proved it."""

    EMERGENCY = "emergency"
    """At once: the present key may be in wrong hands."""


class EndsSessions(Protocol):
    """What is needed of `services/revocation/session_ends.py`."""

    def end_living(
        self, account_id: AccountId, call: Call, *, reason: str | None
    ) -> tuple[Session, ...]:
        """Write down that the account's sessions have ended, if one lives; those of them."""
        ...

    def denied(
        self, account_id: AccountId, session_ids: Collection[SessionId], call: Call
    ) -> tuple[Session, ...]:
        """Note that the account denies them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotating:
    """Writes down that a rotation is wanted, and does at once what can be done of it.

    In an emergency one write takes every key that has signed out of the JWKS, lets the staged one
    sign and denies all live sessions. A canary follows, and its failure is recorded; it does not
    bring the old key back, since an outage ends, and a stranger who signs does not. AWS forgets
    the old key when its copy of the JWKS expires: a token that was signed before the key was
    disabled can be exchanged until then, which a second revocation ends.
    """

    journal: Journal
    accounts: AccountRepository
    gate: Gate
    leasing: Leasing
    key_keeping: KeyKeeping
    reconcile: Reconcile
    ends: EndsSessions
    canaries: Canaries
    longest_session: timedelta
    clock: Clock

    def __call__(self, account_id: AccountId, urgency: Urgency, call: Call) -> Account:
        """The account, after what could be done at once; the worker does the rest.

        Every emergency is a new one: a repeated request needs an Idempotency-Key. Raises
        AccessDenied, NotFound, Conflict (`account_not_active`) for an account that leaves, and
        DependencyUnavailable (`rotation_pending`) where it is written down and not done yet.
        """
        self.gate.require(call, Action.ROTATE_KEYS, account_id=account_id)
        change = self._asked if urgency is Urgency.WHEN_READY else self._declared
        self._write_down(account_id, change, call)
        try:
            # Whoever holds the account now finds the wish in its record, or the worker does.
            with suppress(Conflict):
                self._act(account_id, urgency, call)
        except DependencyUnavailable as e:
            raise _pending() from e
        return registered(self.accounts, account_id).record

    def _write_down(self, account_id: AccountId, change: _Change, call: Call) -> None:
        for _ in range(_TRIES):
            stored = registered(self.accounts, account_id)
            if stored.record.state in LEAVING:
                raise _leaving()
            changed, events = change(stored.record, call)
            save = Save(changed, expected=stored.version)
            with suppress(Conflict):
                self.journal.record(chain_of(account_id), *events, now=self.clock(), saves=[save])
                return
        raise Conflict("The account is written to by too many at once. Try again.")

    def _asked(self, account: Account, call: Call) -> tuple[Account, tuple[Event, ...]]:
        """Wanted from now on; asking again changes nothing."""
        asked = replace(account, rotation_asked_at=account.rotation_asked_at or self.clock())
        due = self.key_keeping.next_check(asked)
        event = call.event(
            LedgerAction.KEY_ROTATION_ASKED,
            Outcome.INTENDED,
            details={"urgency": Urgency.WHEN_READY.value},
        )
        return replace(asked, next_check_at=min(account.next_check_at or due, due)), (event,)

    def _declared(self, account: Account, call: Call) -> tuple[Account, tuple[Event, ...]]:
        """The whole of an emergency that is in our hands, in one write."""
        now = self.clock()
        keys = compromise(account.keys, now=now)
        changed = replace(
            self.key_keeping.with_keys(account, keys),
            revocations=account.revocations.with_everything(
                issued_before=now, until=now + self.longest_session
            ),
            rotation_asked_at=None,
            next_check_at=now,
        )
        rotated = call.event(
            LedgerAction.KEY_ROTATION_ASKED,
            Outcome.INTENDED,
            details={
                "urgency": Urgency.EMERGENCY.value,
                "compromised": [str(key.kid) for key in keys if key.compromised_at == now],
                "signs": active(keys).kid if signs(keys) else "none",
            },
        )
        revoked = call.event(
            LedgerAction.ACCOUNT_REVOKED,
            Outcome.INTENDED,
            reason=COMPROMISED,
            ids={"account": account.account_id},
        )
        return changed, (rotated, revoked)

    def _act(self, account_id: AccountId, urgency: Urgency, call: Call) -> None:
        try:
            with self.leasing.exclusive(account_id, holder=call.request_id, patience=PATIENCE):
                self.key_keeping.tend(account_id, call)
        finally:
            # A key provider that is gone must not keep sessions alive.
            if urgency is Urgency.EMERGENCY:
                self._end_sessions(account_id, call)
        if urgency is Urgency.EMERGENCY:
            self._try_canary(account_id, call)

    def _end_sessions(self, account_id: AccountId, call: Call) -> None:
        """What AWS hinders is in the record, and the worker tries again."""
        if registered(self.accounts, account_id).record.state in WITHOUT_ROLES:
            return
        ended = self.ends.end_living(account_id, call, reason=COMPROMISED)
        account = self.reconcile.run(account_id, call, depth=Depth.QUICK, patience=PATIENCE)
        if ended and not account.failures:
            self.ends.denied(account_id, [session.session_id for session in ended], call)

    def _try_canary(self, account_id: AccountId, call: Call) -> None:
        account = registered(self.accounts, account_id).record
        if account.state in WITHOUT_ROLES or account.consent is Consent.OFF:
            return
        own = self.canaries.new_session()
        intended = call.event(
            LedgerAction.CANARY, Outcome.INTENDED, ids=own.ids, details=own.details()
        )
        self.journal.record(chain_of(account_id), intended, now=self.clock())
        try:
            result = self.canaries.prove_key(account, active(account.keys).reference, own)
        except DependencyUnavailable as e:
            result = CanaryResult("a token of the new key", e.public_message)
        event = call.event(
            LedgerAction.CANARY,
            Outcome.FAILED if result.problem else Outcome.DONE,
            reason=result.problem,
            ids=own.ids,
            details={"ran": [result.name], **own.details(access_keys([result]))},
        )
        self.journal.record(chain_of(account_id), event, now=self.clock())


def _leaving() -> Conflict:
    return Conflict(
        "The account is being removed, and its keys with it.", code="account_not_active"
    )


def _pending() -> DependencyUnavailable:
    return DependencyUnavailable(
        "It is written down, but the key provider or AWS does not answer at the moment. It is "
        "tried again by itself.",
        code="rotation_pending",
    )
