"""The ledger: one hash chain per account, in which every decision has its place.

An `Event` is what happened; `seal` gives it its place in a chain and makes it a `LedgerEntry`.
The hash is SHA-256 over the RFC 8785 canonical JSON of everything else in the entry, the previous
hash included, so no entry can be changed, removed, inserted or moved without the chain showing it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from broker.domain.identifiers import AccountId
from broker.domain.ledger import canonical_json
from broker.domain.times import rfc3339

SCHEMA = 1
GENESIS = "0" * 64
"""The previous hash of a chain's first entry."""

Chain = NewType("Chain", str)
"""Which chain an entry stands in: an account id, or `broker` for what concerns no one account."""

BROKER_CHAIN = Chain("broker")


def chain_of(account_id: AccountId) -> Chain:
    """The chain of one account."""
    return Chain(account_id)


class Outcome(StrEnum):
    """What became of it. `intended` stands before a step whose outcome follows as an own entry."""

    INTENDED = "intended"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class LedgerAction(StrEnum):
    """What an entry is about."""

    ACCOUNT_REGISTERED = "account.registered"
    ACCOUNT_CHANGED = "account.changed"
    ACCOUNT_STEP = "account.step"
    ACCOUNT_RECONCILED = "account.reconciled"
    CANARY = "account.canary"
    ACCOUNT_PROVED = "account.proved"
    ACCOUNT_REVOKED = "account.revoked"
    ACCOUNT_REMOVED = "account.removed"
    KEY_ROTATION_ASKED = "key.rotation_asked"
    KEY_STAGED = "key.staged"
    KEY_ACTIVATED = "key.activated"
    KEY_WITHDRAWN = "key.withdrawn"
    SESSION_REVOKED = "session.revoked"
    REVOCATION_PROBED = "session.revocation_probed"
    """The broker entered the account itself, to see whether AWS refuses what was revoked."""
    REVOCATION_EFFECTIVE = "session.revocation_effective"
    REVOCATION_ASKED = "revocation.asked"
    TICKET_WRITTEN = "ticket.written"
    TICKET_UNCONFIRMED = "ticket.unconfirmed"
    """Its source stopped answering while something was granted for it."""
    TICKET_ENDED = "ticket.ended"
    """What was granted for it ended, since it no longer carries that."""
    GRANT_REQUESTED = "grant.requested"
    GRANT_DECIDED = "grant.decided"
    GRANT_REVOKED = "grant.revoked"
    GLASS_BROKEN = "grant.glass_broken"
    """Somebody gave themselves a grant because it could not wait."""
    APPROVAL_LINK_MADE = "grant.approval_link_made"
    SESSION_OPENED = "session.opened"
    CONSOLE_URL_MADE = "console.url_made"
    ACTIVITY_READ = "session.activity_read"
    ACCESS_REFUSED = "access.refused"
    AUTHENTICATION_REFUSED = "authentication.refused"
    SIGNED_IN = "sign_in.done"
    SIGNED_OUT = "sign_in.ended"
    LEDGER_SIGNED = "ledger.signed"
    CHECKPOINT_COPIED = "ledger.checkpoint_copied"
    """A signed head went, or did not go, to the customer's own bucket."""
    LEDGER_EXPORTED = "ledger.exported"
    LEDGER_ARCHIVED = "ledger.archived"
    LEDGER_RECONCILED = "ledger.reconciled"
    WEBHOOK_GIVEN_UP = "webhook.given_up"
    HOOK_RECEIVED = "hook.received"
    HOOK_REFUSED = "hook.refused"
    HOOK_WORKED_ON = "hook.worked_on"
    HOOK_ANSWERED = "hook.answered"
    TOPIC_CONFIRMED = "topic.confirmed"
    API_TOKEN_CREATED = "api_token.created"  # noqa: S105 - the name of an event, not a secret
    API_TOKEN_REVOKED = "api_token.revoked"  # noqa: S105 - the name of an event, not a secret


Detail = str | int | bool | list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happened, before it has a place in a chain.

    `ids` name the things concerned (ticket, grant, session, request, …); `details` hold what else
    an auditor needs. Neither may hold a secret.
    """

    actor: str
    action: LedgerAction
    outcome: Outcome
    reason: str | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Detail] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One entry with its place: `seq` counts from 1, `at` is RFC 3339 in UTC."""

    chain: Chain
    seq: int
    at: str
    actor: str
    action: str
    outcome: str
    reason: str | None
    ids: Mapping[str, str]
    details: Mapping[str, Detail]
    previous_hash: str
    hash: str
    schema: int = SCHEMA

    def unhashed(self) -> dict[str, object]:
        """Everything that the hash is taken over."""
        return {
            "schema": self.schema,
            "chain": self.chain,
            "seq": self.seq,
            "at": self.at,
            "actor": self.actor,
            "action": self.action,
            "outcome": self.outcome,
            "reason": self.reason,
            "ids": dict(self.ids),
            "details": dict(self.details),
            "previous_hash": self.previous_hash,
        }

    def line(self) -> bytes:
        """The entry as it is kept and exported: the canonical form of everything in it."""
        return canonical_json.encode(self.unhashed() | {"hash": self.hash})


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry's place in a chain: what the next one builds on."""

    seq: int = 0
    hash: str = GENESIS


def seal(event: Event, *, chain: Chain, head: Head, at: datetime) -> LedgerEntry:
    """`event` as the entry that follows `head`."""
    unhashed: dict[str, object] = {
        "schema": SCHEMA,
        "chain": str(chain),
        "seq": head.seq + 1,
        "at": rfc3339(at),
        "actor": str(event.actor),
        "action": event.action.value,
        "outcome": event.outcome.value,
        "reason": None if event.reason is None else str(event.reason),
        "ids": {name: str(value) for name, value in event.ids.items()},
        "details": {name: _bare(detail) for name, detail in event.details.items()},
        "previous_hash": head.hash,
    }
    return LedgerEntry(**unhashed, hash=digest(unhashed))  # type: ignore[arg-type]


def digest(unhashed: Mapping[str, object]) -> str:
    """SHA-256 over the canonical form (RFC 8785), in hexadecimal."""
    return hashlib.sha256(canonical_json.encode(unhashed)).hexdigest()


def _bare(detail: Detail) -> Detail:
    """The text of an identifier instead of the identifier, so that it is encoded the fast way."""
    if isinstance(detail, str):
        return str(detail)
    return [str(each) for each in detail] if isinstance(detail, list) else detail


class BrokenChain(Exception):
    """A chain does not verify; `seq` is the first entry that is not as it was written."""

    def __init__(self, seq: int, why: str) -> None:
        super().__init__(f"entry {seq}: {why}")
        self.seq = seq
        self.why = why


def verify(entries: Iterable[LedgerEntry], *, chain: Chain, after: Head | None = None) -> Head:
    """Follow `entries` from `after` (default: the beginning) and return the head they lead to.

    Raises BrokenChain at the first entry that was changed, removed, inserted or moved.
    """
    head = after or Head()
    for entry in entries:
        if entry.chain != chain:
            raise BrokenChain(head.seq + 1, "belongs to another chain")
        if entry.seq != head.seq + 1:
            raise BrokenChain(head.seq + 1, f"missing, {entry.seq} stands in its place")
        if entry.previous_hash != head.hash:
            raise BrokenChain(entry.seq, "does not follow from the entry before it")
        if digest(entry.unhashed()) != entry.hash:
            raise BrokenChain(entry.seq, "was changed after it was written")
        head = Head(seq=entry.seq, hash=entry.hash)
    return head
