"""Copying checkpoints to the customer's own bucket, where nobody here can take them back.

A copy that fails hinders nothing. Only the latest is tried again, until there is a later one: it
vouches for all that the ones before it did.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from broker.domain.accounts import Account
from broker.domain.ledger.checkpoints import Checkpoint
from broker.domain.ledger.entries import Event, LedgerAction, Outcome, chain_of
from broker.domain.ports import AccountRepository, CheckpointBuckets, Journal, Save, Versioned
from broker.errors import BrokerError, Conflict, DependencyUnavailable, UpstreamRejected
from broker.services.ambient import Clock
from broker.services.calls import Call

_TRIES = 5
"""The account may be written to meanwhile; then its record is read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointCopying:
    """Copies a checkpoint and writes down whether it got there."""

    journal: Journal
    accounts: AccountRepository
    buckets: CheckpointBuckets
    clock: Clock

    def __call__(self, account: Account, checkpoint: Versioned[Checkpoint], call: Call) -> None:
        """Copy it to the account's bucket, if it has one. Raises only where nothing can be written.

        The outcome stands in the ledger, a failure in the account's record too.
        """
        bucket = account.checkpoint_bucket
        if bucket is None or checkpoint.record.copied_to == bucket:
            return
        problem = self._problem_of(checkpoint.record, bucket)
        saves: tuple[Save, ...] = ()
        if problem is None:
            copied = checkpoint.record.copied(bucket)
            saves = (Save(copied, expected=checkpoint.version),)
        event = _event(call, checkpoint.record, bucket, problem)
        for _ in range(_TRIES):
            # Another worker may have copied it at the same time; then that one writes it down.
            with suppress(Conflict):
                self._write_down(account, problem, event, *saves)
                return

    def _problem_of(self, checkpoint: Checkpoint, bucket: str) -> BrokerError | None:
        try:
            self.buckets.put(checkpoint, bucket=bucket)
        except (UpstreamRejected, DependencyUnavailable) as e:
            return e
        return None

    def _write_down(
        self, account: Account, problem: BrokerError | None, event: Event, *saves: Save
    ) -> None:
        error = None if problem is None else problem.public_message
        stored = self.accounts.get(account.account_id)
        if stored is not None and stored.record.checkpoint_error != error:
            told = replace(stored.record, checkpoint_error=error)
            saves = (*saves, Save(told, expected=stored.version))
        self.journal.record(chain_of(account.account_id), event, now=self.clock(), saves=saves)


def _event(call: Call, checkpoint: Checkpoint, bucket: str, problem: BrokerError | None) -> Event:
    return call.event(
        LedgerAction.CHECKPOINT_COPIED,
        Outcome.DONE if problem is None else Outcome.FAILED,
        reason=None if problem is None else problem.code,
        details={"bucket": bucket, "seq": checkpoint.seq, "hash": checkpoint.hash},
    )
