"""Verifying exported ledgers with nothing of the service: from lines to what they prove.

One or more files are read in order, as one chain. The first line that is not as it must be is
named. Checkpoints vouch for every entry up to theirs, since each entry's hash is over the one
before; so a single one by a key that the reader knows makes all that is older trustworthy, and
with it the keys in the file that the chain had named by then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

from broker.domain.ledger import canonical_json
from broker.domain.ledger.canonical_json import NotCanonical
from broker.domain.ledger.chain import BrokenEntry, ChainWalk
from broker.domain.ledger.checkpoint_signatures import (
    BadCheckpoint,
    SignedHead,
    peek_seq,
    verify_checkpoint,
)
from broker.domain.ledger.lines import (
    CHECKPOINT_BEGINS,
    ENTRY_BEGINS,
    LONGEST_LINE,
    Anchor,
    Ending,
)
from broker.domain.ledger.public_keys import BadKeys, KnownKeys, read_jwks
from keys.types import Kid, PublicJwk


class BrokenLine(Exception):
    """`line` (from 1) is the first that is not as it was written; the message says why."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}.")
        self.line = line
        self.why = why


class Voucher(StrEnum):
    """Where the key came from that a checkpoint was verified with."""

    GIVEN = "given"
    """From a JWKS that the reader has brought."""
    FILE = "file"
    """From the file itself, which proves only that whoever made it had a key."""


@dataclass(frozen=True, slots=True)
class VerifiedCheckpoint:
    """A checkpoint whose signature is good and that agrees with the chain."""

    head: SignedHead
    voucher: Voucher


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was proved. `seq`s are 0 where there is no entry."""

    chain: str
    entries: int
    first_seq: int
    first_at: str | None
    last_seq: int
    last_at: str | None
    anchor: Anchor | None
    checkpoints: tuple[VerifiedCheckpoint, ...]

    def vouched_through(self, *vouchers: Voucher) -> int:
        """The last entry that a checkpoint of these vouches for, 0 where none does."""
        return max((c.head.seq for c in self.checkpoints if c.voucher in vouchers), default=0)


class _Part(IntEnum):
    """The parts of a file, in order."""

    BEGINNING = 0
    ENTRIES = 1
    KEYS = 2
    CHECKPOINTS = 3
    END = 4


def checkpointed(lines: Iterable[bytes]) -> frozenset[int]:
    """The entries that the checkpoints in `lines` speak of, before anything is verified."""
    found = set()
    for line in lines:
        if line.startswith(CHECKPOINT_BEGINS):
            found.add(_peek(line))
    return frozenset(seq for seq in found if seq is not None)


def _peek(line: bytes) -> int | None:
    try:
        jws = canonical_json.decode(line.removesuffix(b"\n")).get("checkpoint")
    except NotCanonical:
        return None
    return peek_seq(jws) if isinstance(jws, str) else None


class Verification:
    """Reads one file after another, each in full. Once it has raised, it is of no more use."""

    def __init__(self, *, given: KnownKeys, remember: Collection[int]) -> None:
        """`given` are keys that the reader trusts.

        `remember` are the entries that checkpoints will speak of, as `checkpointed` finds them:
        they come after the entries, whose hashes are not all kept.
        """
        self._given = given
        self._in_files: dict[Kid, PublicJwk] = {}
        self._walk = ChainWalk(remember=remember)
        self._anchor: Anchor | None = None
        self._checkpoints: list[VerifiedCheckpoint] = []
        self._files = 0

    def read(self, lines: Iterable[bytes]) -> None:
        """Verify a file, line by line. Raises BrokenLine."""
        file = _File(self._walk.entries)
        number = 0
        for number, line in enumerate(lines, start=1):
            try:
                self._read_line(line, file)
            except (BrokenEntry, BadCheckpoint, BadKeys, NotCanonical) as e:
                raise BrokenLine(number, str(e)) from e
        if file.part is not _Part.END:
            raise BrokenLine(number + 1, "the file breaks off here, its end is missing")
        self._files += 1

    def check(self, jws: str) -> VerifiedCheckpoint:
        """Hold a checkpoint that was kept elsewhere against the chain. Raises BadCheckpoint."""
        checkpoint = self._verified(jws)
        self._checkpoints.append(checkpoint)
        return checkpoint

    def result(self) -> Verified:
        """What was proved. Raises BrokenLine where nothing vouches for where the chain begins."""
        walk = self._walk
        if self._anchor is not None and not self._checkpoints:
            why = (
                f"it begins after entry {self._anchor.seq}, and no checkpoint vouches for that one"
            )
            raise BrokenLine(1, why)
        return Verified(
            chain=walk.chain or "",
            entries=walk.entries,
            first_seq=walk.head.seq - walk.entries + 1 if walk.entries else 0,
            first_at=walk.first_at,
            last_seq=walk.head.seq,
            last_at=walk.last_at,
            anchor=self._anchor,
            checkpoints=tuple(self._checkpoints),
        )

    def _read_line(self, line: bytes, file: _File) -> None:
        if len(line) > LONGEST_LINE:
            raise NotCanonical("it is longer than any line of a ledger")
        text = line.removesuffix(b"\n")
        if text.startswith(ENTRY_BEGINS):
            file.enter(_Part.ENTRIES)
            self._walk.step(text)
        else:
            self._read_other(canonical_json.decode(text), file)

    def _read_other(self, members: dict[str, Any], file: _File) -> None:
        match members:
            case {"anchor": anchor, **rest} if not rest:
                file.enter(_Part.BEGINNING)
                self._begin_after(_read_anchor(anchor))
                file.part = _Part.ENTRIES
            case {"keys": _, **rest} if not rest:
                file.enter(_Part.KEYS)
                self._bring(members, file)
            case {"checkpoint": str(jws), **rest} if not rest:
                file.enter(_Part.CHECKPOINTS)
                self._take(self._verified(jws), file)
            case {"end": ending, **rest} if not rest:
                file.enter(_Part.END)
                self._end(ending, file)
            case _:
                raise NotCanonical("it is no line of a ledger")

    def _begin_after(self, anchor: Anchor) -> None:
        walk = self._walk
        if self._files == 0:
            self._anchor = anchor
            walk.begin_after(anchor)
        elif (anchor.chain, anchor.seq, anchor.hash) != (walk.chain, walk.head.seq, walk.head.hash):
            raise NotCanonical(
                f"it begins after entry {anchor.seq} of {anchor.chain}, and the file before ends "
                f"with entry {walk.head.seq} of {walk.chain}"
            )

    def _bring(self, members: dict[str, Any], file: _File) -> None:
        keys = read_jwks(members)
        if not keys or len(keys) < len(members["keys"]):
            raise BadKeys("it holds no key, or one of them twice")
        file.unused = set(keys)
        self._in_files |= keys

    def _take(self, checkpoint: VerifiedCheckpoint, file: _File) -> None:
        if checkpoint.head.seq <= file.last_checkpoint:
            raise BadCheckpoint("the checkpoints are not in order")
        file.last_checkpoint = checkpoint.head.seq
        file.unused.discard(checkpoint.head.kid)
        file.checkpoints += 1
        self._checkpoints.append(checkpoint)

    def _verified(self, jws: str) -> VerifiedCheckpoint:
        head = verify_checkpoint(jws, {**self._in_files, **self._given})
        self._hold_against_chain(head)
        voucher = Voucher.GIVEN if head.kid in self._given else Voucher.FILE
        return VerifiedCheckpoint(head, voucher)

    def _hold_against_chain(self, head: SignedHead) -> None:
        walk = self._walk
        if head.chain != walk.chain:
            raise BadCheckpoint(f"it is a checkpoint of another chain, {head.chain!r}")
        if head.seq > walk.head.seq:
            raise BadCheckpoint(
                f"it was signed when there was an entry {head.seq}, and the entries end with "
                f"{walk.head.seq}: what came after was cut off"
            )
        kept = walk.hashes.get(head.seq)
        if kept is None:
            raise BadCheckpoint(f"it speaks of entry {head.seq}, before where the entries begin")
        if kept != head.hash:
            raise BadCheckpoint(
                f"it was signed over another entry {head.seq}: that one, or one before it, was "
                "changed and the chain built anew"
            )
        self._hold_against_account(head)

    def _hold_against_account(self, head: SignedHead) -> None:
        """Another account's issuer or key cannot vouch for this one, as the chain tells them."""
        walk = self._walk
        issuer = walk.issuer_at(head.seq)
        if head.issuer != issuer and (issuer is not None or walk.from_the_beginning):
            raise BadCheckpoint(
                f"it was signed in the name of {head.issuer!r}, not of this account"
            )
        if walk.from_the_beginning and not walk.staged_by(head.kid, head.seq):
            raise BadCheckpoint("it was signed with a key that this account had not been given")

    def _end(self, ending: object, file: _File) -> None:
        if file.unused:
            raise NotCanonical("a key in the file has signed no checkpoint in it")
        walk = self._walk
        entries = walk.entries - file.entries_before
        chain = walk.chain or (ending.get("chain") if isinstance(ending, dict) else None)
        expected = Ending(
            chain=str(chain),
            seq=walk.head.seq,
            hash=walk.head.hash,
            entries=entries,
            checkpoints=file.checkpoints,
        )
        if canonical_json.encode({"end": ending}) + b"\n" != expected.line():
            raise NotCanonical(
                f"the end does not fit: read were {entries} entries, up to entry {walk.head.seq}, "
                f"and {file.checkpoints} checkpoints"
            )


class _File:
    """How far the reading of one file has come."""

    def __init__(self, entries_before: int) -> None:
        self.part = _Part.BEGINNING
        self.entries_before = entries_before
        self.checkpoints = 0
        self.last_checkpoint = 0
        self.unused: set[Kid] = set()

    def enter(self, part: _Part) -> None:
        """Go on to a line of this part. Raises NotCanonical where it does not belong here."""
        if part < self.part or self.part is _Part.END:
            raise NotCanonical("it stands in the wrong place of the file")
        if part is _Part.CHECKPOINTS and self.part < _Part.KEYS:
            raise NotCanonical("the keys are missing that stand before the checkpoints")
        if part is _Part.KEYS and self.part is part:
            raise NotCanonical("there are keys before it already")
        self.part = part


def _read_anchor(members: object) -> Anchor:
    match members:
        case {"chain": str(chain), "hash": str(digest), "seq": int(seq), **rest} if (
            not rest and type(seq) is int and seq > 0
        ):
            return Anchor(chain=chain, seq=seq, hash=digest)
        case _:
            raise NotCanonical("it is no anchor")
