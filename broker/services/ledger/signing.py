"""Signing the heads of accounts' chains, on request, at intervals, and before the keys go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog

from broker.domain.accounts import Account
from broker.domain.identifiers import AccountId
from broker.domain.identity.permissions import Action
from broker.domain.ledger.checkpoints import TYP, Checkpoint, checkpoint_claims
from broker.domain.ledger.entries import Head, LedgerAction, Outcome, chain_of
from broker.domain.ports import (
    AccountRepository,
    CheckpointRepository,
    Journal,
    Save,
    Versioned,
)
from broker.errors import BrokerError, Conflict, DependencyUnavailable, StoreUnavailable
from broker.services.ambient import Clock
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.issuer.minting import Minter, SigningKeyGone
from broker.services.ledger.checkpoint_copying import CheckpointCopying
from broker.services.registered import registered
from broker.services.retrying import retried
from keys.rotation import active, signs

_TRIES = 5
"""Two who sign the same head at the same time write one checkpoint; the other signs the next."""

_OF_SIGNING = frozenset({LedgerAction.LEDGER_SIGNED.value, LedgerAction.CHECKPOINT_COPIED.value})
"""Entries that come from signing itself: where nothing else was written, nothing is due."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSigning:
    """Signs, keeps what was signed, and has it copied; `every` is how old the last one may grow."""

    journal: Journal
    accounts: AccountRepository
    checkpoints: CheckpointRepository
    minter: Minter
    copying: CheckpointCopying
    gate: Gate
    every: timedelta
    clock: Clock

    def __call__(self, account_id: AccountId, call: Call) -> Checkpoint:
        """The head as it is now, signed, at a caller's request.

        Raises AccessDenied, NotFound, Conflict (`account_not_active`) where no key of the account
        signs, and DependencyUnavailable where the key cannot be used at the moment.
        """
        self.gate.require(call, Action.SIGN_LEDGER, account_id=account_id)
        account = registered(self.accounts, account_id).record
        if not signs(account.keys):
            raise Conflict(
                "The account has no key that signs, so its ledger cannot be signed. Its last "
                "checkpoint is in the export.",
                code="account_not_active",
            )
        return self._signed_or_told(account, call)

    def when_due(self, account_id: AccountId, call: Call) -> None:
        """Sign what was written since the last checkpoint, once that one is `every` old.

        Until then a copy is tried again that did not get to the customer's bucket. A key that
        cannot be used now is tried again at the next time. Raises only where the store or the
        ledger is gone.
        """
        account = registered(self.accounts, account_id).record
        latest = self.checkpoints.latest(account_id)
        if latest is not None and not self._is_due(latest.record):
            self.copying(account, latest, call)
            return
        if signs(account.keys):
            self._attempt(account, call)

    def last(self, account_id: AccountId, call: Call) -> None:
        """Sign once more, before the account's keys are ended.

        Raises DependencyUnavailable where the key cannot be used now: the keys have to wait. A key
        that is gone already keeps nobody waiting.
        """
        account = registered(self.accounts, account_id).record
        if not signs(account.keys):
            return
        try:
            self._signed_or_told(account, call)
        except SigningKeyGone:
            _log.error("ledger_not_signed_at_the_end", account=account_id)

    def _attempt(self, account: Account, call: Call) -> None:
        try:
            self._signed_or_told(account, call)
        except StoreUnavailable:
            raise
        except DependencyUnavailable as e:
            _log.error("ledger_not_signed", account=account.account_id, code=e.code)

    def _is_due(self, latest: Checkpoint) -> bool:
        return latest.signed_at + self.every <= self.clock() and self._has_grown(latest)

    def _has_grown(self, latest: Checkpoint) -> bool:
        """Whether anything else was written than what signing itself writes."""
        since = self.journal.entries(chain_of(latest.account_id), after=latest.seq, limit=10)
        return any(entry.action not in _OF_SIGNING for entry in since)

    def _signed_or_told(self, account: Account, call: Call) -> Checkpoint:
        """The checkpoint, copied; or its failure in the ledger, and raised."""
        try:
            checkpoint = retried(partial(self._sign, account, call), tries=_TRIES)
        except BrokerError as e:
            failed = call.event(LedgerAction.LEDGER_SIGNED, Outcome.FAILED, reason=e.code)
            self.journal.record(chain_of(account.account_id), failed, now=self.clock())
            raise
        self.copying(account, Versioned(checkpoint, version=1), call)
        return checkpoint

    def _sign(self, account: Account, call: Call) -> Checkpoint:
        """Raises Conflict where the same head was signed at the same moment."""
        chain = chain_of(account.account_id)
        checkpoint = self._checkpoint_of(account, self.journal.head(chain))
        event = call.event(
            LedgerAction.LEDGER_SIGNED,
            Outcome.DONE,
            ids={"kid": checkpoint.key.kid},
            details={"seq": checkpoint.seq, "hash": checkpoint.hash},
        )
        self.journal.record(
            chain, event, now=checkpoint.signed_at, saves=[Save(checkpoint, expected=0)]
        )
        return checkpoint

    def _checkpoint_of(self, account: Account, head: Head) -> Checkpoint:
        now = self.clock()
        reference = active(account.keys).reference
        claims = checkpoint_claims(account, head, now=now)
        return Checkpoint(
            account_id=account.account_id,
            seq=head.seq,
            hash=head.hash,
            issuer=account.issuer,
            signed_at=now,
            key=reference.public_jwk,
            jws=self.minter.sign(reference, claims, typ=TYP),
        )
