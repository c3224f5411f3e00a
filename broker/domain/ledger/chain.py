"""Following the entries of an exported ledger, a line each, hash by hash.

Why it is enough to hash the line as it stands: it is read only if writing what was read gives the
same bytes, so that a line and what a reader makes of it determine each other. (The fast serialiser
writes canonical JSON for an object whose names are ASCII and in order and whose values are of the
kinds that an entry has; both are looked at first. Whatever has other names goes the slow way.) An
entry's hash is taken over its canonical form without the member `hash`. Names are in order, so
this member stands between `details` and `ids`, and since no value in either is an object,
`,"hash":"…","ids":{` occurs there and nowhere else: inside a text the quotes would be escaped.
What is left when the member is cut out is the canonical form of the rest, byte for byte, and no
entry has to be written anew to be verified.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from typing import Any

from broker.domain.ledger import canonical_json
from broker.domain.ledger.canonical_json import LARGEST_INTEGER, NotCanonical, is_ordered
from broker.domain.ledger.entries import BROKER_CHAIN, SCHEMA, Head, LedgerAction, Outcome
from broker.domain.ledger.lines import Anchor

_NAMES = (
    "action",
    "actor",
    "at",
    "chain",
    "details",
    "hash",
    "ids",
    "outcome",
    "previous_hash",
    "reason",
    "schema",
    "seq",
)
"""The members of an entry, in the order of canonical JSON."""

_KINDS = {
    (str, str, str, str, dict, str, dict, str, str, reason, int, int)
    for reason in (str, type(None))
}
_TEXT = {str}
_CHAIN = re.compile(rf"[0-9]{{12}}|{BROKER_CHAIN}")
_HASH = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?Z")
"""RFC 3339, as an entry's time is written."""


class BrokenEntry(Exception):
    """A line is not the entry that must stand there; the message says why."""


class ChainWalk:
    """Where a chain has been followed to, and what it says of the account's issuer and keys."""

    def __init__(self, *, remember: Collection[int]) -> None:
        """The hashes of the entries in `remember` are kept."""
        self.chain: str | None = None
        self.head = Head()
        self.entries = 0
        self.first_at: str | None = None
        self.last_at: str | None = None
        self.from_the_beginning = True
        self.hashes: dict[int, str] = {}
        self._remember = frozenset(remember)
        self._issuers: list[tuple[int, str]] = []
        self._staged: dict[str, int] = {}

    def begin_after(self, anchor: Anchor) -> None:
        """Begin in the middle of a chain. Raises BrokenEntry for an anchor that cannot be."""
        self._name_chain(anchor.chain)
        if _HASH.fullmatch(anchor.hash) is None:
            raise BrokenEntry("it names a hash that cannot be")
        self.from_the_beginning = False
        self.head = Head(anchor.seq, anchor.hash)
        self._keep(anchor.seq, anchor.hash)

    def step(self, line: bytes) -> None:
        """Go on to the entry in `line`, without its line feed. Raises BrokenEntry."""
        members = _entry_in(line)
        self._refuse_another_place(members)
        stated = members["hash"]
        before, cut, after = line.partition(b',"hash":"%b","ids":{' % stated.encode())
        digest = hashlib.sha256(before + b',"ids":{' + after).hexdigest()
        if not cut or digest != stated:
            raise BrokenEntry(f"entry {members['seq']} was changed after it was written")
        self._take(members)

    def issuer_at(self, seq: int) -> str | None:
        """The issuer that the chain had given to the account by then, as far as it was seen."""
        return next((issuer for since, issuer in reversed(self._issuers) if since <= seq), None)

    def staged_by(self, kid: str, seq: int) -> bool:
        """Whether the chain had told of a key with this kid by then."""
        return self._staged.get(kid, seq + 1) <= seq

    def _refuse_another_place(self, members: dict[str, Any]) -> None:
        seq, expected = members["seq"], self.head.seq + 1
        if members["chain"] != self.chain:
            self._name_chain(members["chain"])
        if seq > expected:
            missing = (
                f"entry {expected}" if seq == expected + 1 else f"entries {expected} to {seq - 1}"
            )
            raise BrokenEntry(f"{missing} missing: entry {seq} stands here")
        if seq < expected:
            raise BrokenEntry(f"entry {seq} stands where entry {expected} must")
        if members["previous_hash"] != self.head.hash:
            raise BrokenEntry(f"entry {seq} does not follow from the one before it")

    def _name_chain(self, chain: str) -> None:
        if self.chain is not None:
            raise BrokenEntry("it belongs to another chain")
        if _CHAIN.fullmatch(chain) is None:
            raise BrokenEntry("it names a chain that cannot be")
        self.chain = chain

    def _take(self, members: dict[str, Any]) -> None:
        seq, digest = members["seq"], members["hash"]
        self.head = Head(seq, digest)
        self.entries += 1
        self.last_at = members["at"]
        if self.first_at is None:
            self.first_at = self.last_at
        self._keep(seq, digest)
        if members["action"] in _TELLING and members["outcome"] == Outcome.DONE:
            self._learn(seq, members)

    def _keep(self, seq: int, digest: str) -> None:
        if seq in self._remember:
            self.hashes[seq] = digest

    def _learn(self, seq: int, members: dict[str, Any]) -> None:
        issuer, kid = members["details"].get("issuer"), members["ids"].get("kid")
        if members["action"] == LedgerAction.ACCOUNT_REGISTERED:
            self._issuers.append((seq, issuer if type(issuer) is str else ""))
        elif kid is not None:
            self._staged.setdefault(kid, seq)


_TELLING = frozenset({LedgerAction.ACCOUNT_REGISTERED.value, LedgerAction.KEY_STAGED.value})
"""What is learned from: which issuer an account has, and which keys."""


def _entry_in(line: bytes) -> dict[str, Any]:
    """The members of an entry of which `line` is the canonical form. Raises BrokenEntry."""
    try:
        members = canonical_json.parse(line)
        _refuse_another_form(members)
        if not (is_ordered(members["details"]) and is_ordered(members["ids"])):
            # Out of order, or with names that are put in order in another way.
            return canonical_json.decode(line)
        if canonical_json.encode_ordered(members) != line:
            raise canonical_json.another_spelling()
    except NotCanonical as e:
        raise BrokenEntry(str(e)) from e
    return members


def _refuse_another_form(members: dict[str, Any]) -> None:
    if tuple(members) != _NAMES:
        raise BrokenEntry(_why_other_members(members))
    if tuple(map(type, members.values())) not in _KINDS:
        raise BrokenEntry("a member of it is of another kind than in an entry")
    if not all(map(_is_detail, members["details"].values())):
        raise BrokenEntry("a detail of it is of a kind that no entry has")
    if not _TEXT.issuperset(map(type, members["ids"].values())):
        raise BrokenEntry("an id in it is no text")
    if members["schema"] != SCHEMA:
        raise BrokenEntry(f"it is of schema {members['schema']}, which this version cannot read")
    if _TIME.fullmatch(members["at"]) is None:
        raise BrokenEntry("its time is not written as an entry's")


def _why_other_members(members: Mapping[str, object]) -> str:
    if set(members) == set(_NAMES):
        return "it is not canonical JSON: its members stand in another order"
    return "it has other members than an entry"


def _is_detail(value: object) -> bool:
    kind = type(value)
    if kind is str or kind is bool:
        return True
    if kind is int:
        return -LARGEST_INTEGER <= value <= LARGEST_INTEGER  # type: ignore[operator]
    return kind is list and _TEXT.issuperset(map(type, value))  # type: ignore[call-overload]
