"""Taking old entries out of the store, into a file that proves itself.

The file is written, read back and verified like any other export before a single entry is
dropped, and they are dropped in one step with the entry that tells of it. So a crash at any point
leaves an entry in the store, in the file, or in both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from broker.domain.identifiers import AccountId
from broker.domain.identity.permissions import Action
from broker.domain.ledger.checkpoints import Checkpoint
from broker.domain.ledger.entries import LedgerAction, Outcome, chain_of
from broker.domain.ledger.verification import BrokenLine, Verification, checkpointed
from broker.domain.ports import CheckpointRepository, Journal
from broker.errors import BrokerError, Conflict, InvalidRequest
from broker.services.ambient import Clock
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.ledger.lines import BrokenOff, LedgerLines, Stretch

KEPT_AT_LEAST = timedelta(days=91)
"""What is younger stays: CloudTrail's history of 90 days is compared with the ledger."""

_AT_ONCE = 200


class ArchiveFile(Protocol):
    """A file that is not there yet."""

    @property
    def name(self) -> str:
        """What the ledger is told of where the entries went."""
        ...

    def write(self, pieces: Iterable[bytes]) -> None:
        """Write all of it under another name, and have it on the disk."""
        ...

    def lines(self) -> Iterator[bytes]:
        """What was written, read back."""
        ...

    def settle(self) -> None:
        """Give it its name, durably. Raises FileExistsError where another has it by now."""
        ...


class UnprovenArchive(BrokerError):
    """What was read back is not what had to be written; nothing was dropped."""

    code = "archive_not_verified"


@dataclass(frozen=True, slots=True)
class Archived:
    """What went to the file."""

    entries: int
    through: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Archiving:
    """Archives what is older than some time, up to a checkpoint, which proves where it was cut."""

    journal: Journal
    checkpoints: CheckpointRepository
    lines: LedgerLines
    gate: Gate
    clock: Clock

    def __call__(
        self, account_id: AccountId, file: ArchiveFile, call: Call, *, before: datetime
    ) -> Archived:
        """Write the entries up to the last checkpoint before `before` to `file`, then drop them.

        Raises AccessDenied; InvalidRequest where `before` is younger than KEPT_AT_LEAST; Conflict
        (`nothing_to_archive`, `archived`) where there is nothing to do; UnprovenArchive;
        DependencyUnavailable; what the file raises. In each case everything is still in the store.
        """
        self.gate.require(call, Action.ARCHIVE_LEDGER, account_id=account_id)
        if before > self.clock() - KEPT_AT_LEAST:
            raise InvalidRequest(
                f"Entries of the last {KEPT_AT_LEAST.days} days stay in the store. Name an "
                "earlier day."
            )
        cut = self._last_checkpoint(account_id, before)
        try:
            file.write(self.lines(Stretch(account_id=account_id, after=0, through=cut.seq)))
        except BrokenOff as e:
            raise Conflict("Somebody else is archiving these entries.", code="archived") from e
        archived = _proved(file, cut)
        file.settle()
        self._drop(account_id, file, archived, cut, call)
        return archived

    def _last_checkpoint(self, account_id: AccountId, before: datetime) -> Checkpoint:
        found: Checkpoint | None = None
        first = 1
        while part := self.checkpoints.between(
            account_id, first=first, last=self._end(account_id), limit=_AT_ONCE
        ):
            old = [checkpoint for checkpoint in part if checkpoint.signed_at < before]
            found = old[-1] if old else found
            if len(old) < len(part):
                break
            first = part[-1].seq + 1
        if found is None:
            raise Conflict(
                "No head of this ledger was signed before that day, so nothing can be cut off "
                "that could still be proved.",
                code="nothing_to_archive",
            )
        return found

    def _end(self, account_id: AccountId) -> int:
        return self.journal.head(chain_of(account_id)).seq

    def _drop(
        self,
        account_id: AccountId,
        file: ArchiveFile,
        archived: Archived,
        cut: Checkpoint,
        call: Call,
    ) -> None:
        event = call.event(
            LedgerAction.LEDGER_ARCHIVED,
            Outcome.DONE,
            ids={"account": account_id},
            details={
                "entries": archived.entries,
                "through": cut.seq,
                "hash": cut.hash,
                "file": file.name,
                "sha256": archived.sha256,
            },
        )
        self.journal.archive(chain_of(account_id), event, through=cut.seq, now=self.clock())


def _proved(file: ArchiveFile, cut: Checkpoint) -> Archived:
    """What the file holds, once it was read back and ends with the checkpoint's own entry."""
    digest = hashlib.sha256()
    verification = Verification(given={}, remember=checkpointed(file.lines()))
    try:
        verification.read(_hashed(file.lines(), digest.update))
        verified = verification.result()
    except BrokenLine as e:
        raise UnprovenArchive(f"The archive does not verify, so nothing was dropped: {e}") from e
    last = verified.checkpoints[-1].head if verified.checkpoints else None
    if last is None or (last.seq, last.hash) != (cut.seq, cut.hash) or verified.last_seq != cut.seq:
        raise UnprovenArchive("The archive does not end with its checkpoint: nothing was dropped.")
    return Archived(verified.entries, cut.seq, digest.hexdigest())


def _hashed(lines: Iterable[bytes], update: Callable[[bytes], None]) -> Iterator[bytes]:
    for line in lines:
        update(line)
        yield line
