"""Reading a stretch of a chain as the lines of an export, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from broker.domain.identifiers import AccountId
from broker.domain.ledger import canonical_json
from broker.domain.ledger.checkpoints import Checkpoint
from broker.domain.ledger.entries import BROKER_CHAIN, Chain, Head, chain_of
from broker.domain.ledger.lines import Anchor, Ending, checkpoint_line, keys_line
from broker.domain.ports import CheckpointRepository, Journal, WrittenEntry
from broker.errors import NotFound
from keys.types import Kid, PublicJwk

ENTRIES_AT_ONCE = 500
"""Entries that are in memory at a time, and go out in one piece."""

_CHECKPOINTS_AT_ONCE = 200


class BrokenOff(Exception):
    """Entries went to an archive while they were read; what was sent lacks its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The entries after `after` up to `through`; without an account, of the broker's own chain."""

    account_id: AccountId | None
    after: int
    through: int

    @property
    def chain(self) -> Chain:
        """Whose entries they are."""
        return BROKER_CHAIN if self.account_id is None else chain_of(self.account_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLines:
    """Writes exports."""

    journal: Journal
    checkpoints: CheckpointRepository

    def __call__(self, stretch: Stretch) -> Iterator[bytes]:
        """The lines of an export, many in one piece.

        Raises NotFound (`archived`) at once where all of it has gone to an archive. Reading on
        raises BrokenOff, and DependencyUnavailable; then the end is missing.
        """
        first = self._part(stretch, after=stretch.after)
        if not first:
            raise NotFound(
                "These entries are no longer kept here: they went to an archive.", code="archived"
            )
        return self._pieces(stretch, first)

    def _pieces(self, stretch: Stretch, part: Sequence[WrittenEntry]) -> Iterator[bytes]:
        before = _head_before(part[0])
        if before.seq:
            yield Anchor(chain=stretch.chain, seq=before.seq, hash=before.hash).line()
        expected, last = before.seq + 1, part[-1]
        while part:
            if part[0].seq != expected or part[-1].seq != expected + len(part) - 1:
                raise BrokenOff
            yield "".join(f"{entry.line}\n" for entry in part).encode("utf-8")
            last = part[-1]
            expected = last.seq + 1
            part = self._part(stretch, after=last.seq)
        if last.seq != stretch.through:
            raise BrokenOff
        signed = 0
        for piece in self._signed(stretch, first=max(before.seq, 1)):
            yield piece
            signed += piece.startswith(b'{"checkpoint"')
        yield Ending(
            chain=stretch.chain,
            seq=last.seq,
            hash=str(_members(last)["hash"]),
            entries=last.seq - before.seq,
            checkpoints=signed,
        ).line()

    def _part(self, stretch: Stretch, *, after: int) -> tuple[WrittenEntry, ...]:
        return self.journal.written(
            stretch.chain, after=after, through=stretch.through, limit=ENTRIES_AT_ONCE
        )

    def _signed(self, stretch: Stretch, *, first: int) -> Iterator[bytes]:
        """The keys that signed, then what they signed.

        A checkpoint that is written between the two, with a key that did not sign before, is left
        to the next export.
        """
        keys: dict[Kid, PublicJwk] = {}
        for checkpoint in self._checkpoints(stretch, first=first):
            keys.setdefault(checkpoint.key.kid, checkpoint.key)
        if not keys:
            return
        yield keys_line(list(keys.values()))
        for checkpoint in self._checkpoints(stretch, first=first):
            if checkpoint.key.kid in keys:
                yield checkpoint_line(checkpoint.jws)

    def _checkpoints(self, stretch: Stretch, *, first: int) -> Iterator[Checkpoint]:
        if stretch.account_id is None:
            return
        while found := self.checkpoints.between(
            stretch.account_id, first=first, last=stretch.through, limit=_CHECKPOINTS_AT_ONCE
        ):
            yield from found
            first = found[-1].seq + 1


def _head_before(entry: WrittenEntry) -> Head:
    return Head(entry.seq - 1, str(_members(entry)["previous_hash"]))


def _members(entry: WrittenEntry) -> dict[str, object]:
    return canonical_json.parse(entry.line.encode("utf-8"))
