"""Which ledger entries are told to webhooks, and as what."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from broker.domain.accounts import AccountState
from broker.domain.identifiers import AccountId
from broker.domain.ledger import canonical_json
from broker.domain.ledger.entries import BROKER_CHAIN, Chain, LedgerAction, LedgerEntry, Outcome
from broker.domain.times import rfc3339


class EventType(StrEnum):
    """What an endpoint may ask to be told of."""

    GRANT_REQUESTED = "grant.requested"
    GRANT_DECIDED = "grant.decided"
    GRANT_REVOKED = "grant.revoked"
    GLASS_BROKEN = "grant.glass_broken"
    SESSION_OPENED = "session.opened"
    SESSION_REVOKED = "session.revoked"
    REVOCATION_EFFECTIVE = "session.revocation_effective"
    TICKET_ENDED = "ticket.ended"
    ACCOUNT_REVOKED = "account.revoked"
    CONSENT_CHANGED = "account.consent_changed"
    ACCOUNT_DEGRADED = "account.degraded"


TEST = "webhook.test"
"""The type of an event that no ledger holds: an operator asks whether the way is open."""

URGENT = frozenset({EventType.GLASS_BROKEN})
"""What somebody should look at at once."""

_BY_ACTION = {
    LedgerAction.GRANT_REQUESTED: EventType.GRANT_REQUESTED,
    LedgerAction.GRANT_DECIDED: EventType.GRANT_DECIDED,
    LedgerAction.GRANT_REVOKED: EventType.GRANT_REVOKED,
    LedgerAction.GLASS_BROKEN: EventType.GLASS_BROKEN,
    LedgerAction.SESSION_OPENED: EventType.SESSION_OPENED,
    LedgerAction.SESSION_REVOKED: EventType.SESSION_REVOKED,
    LedgerAction.REVOCATION_EFFECTIVE: EventType.REVOCATION_EFFECTIVE,
    LedgerAction.TICKET_ENDED: EventType.TICKET_ENDED,
    LedgerAction.ACCOUNT_REVOKED: EventType.ACCOUNT_REVOKED,
}

_HEADLINES = {
    EventType.GRANT_REQUESTED: "Access requested",
    EventType.GRANT_DECIDED: "Request for access decided",
    EventType.GRANT_REVOKED: "Access withdrawn",
    EventType.GLASS_BROKEN: "URGENT: access taken without waiting for approval",
    EventType.SESSION_OPENED: "Session",
    EventType.SESSION_REVOKED: "Session revoked",
    EventType.REVOCATION_EFFECTIVE: "AWS refuses a revoked session",
    EventType.TICKET_ENDED: "Ticket ended",
    EventType.ACCOUNT_REVOKED: "Every session of an account revoked",
    EventType.CONSENT_CHANGED: "Consent changed",
    EventType.ACCOUNT_DEGRADED: "Account degraded",
}

_BECOMES = {EventType.GRANT_DECIDED: "verdict", EventType.CONSENT_CHANGED: "consent"}
"""The detail that says what came about, where `done` alone would leave it open.

Where it was refused the same detail is only what somebody wanted.
"""


def type_of(entry: LedgerEntry) -> EventType | None:
    """What the entry is told as; None where it is told to nobody.

    A session is told once it is known what became of it. An account counts as degraded when it
    becomes so, not each time that a check finds it so again.
    """
    match entry.action:
        case LedgerAction.SESSION_OPENED if entry.outcome == Outcome.INTENDED:
            return None
        case LedgerAction.ACCOUNT_CHANGED:
            return EventType.CONSENT_CHANGED if "consent" in entry.details else None
        case LedgerAction.ACCOUNT_RECONCILED:
            return EventType.ACCOUNT_DEGRADED if _degrades(entry) else None
        case action:
            return _BY_ACTION.get(LedgerAction(action)) if action in _BY_ACTION else None


def event_id(chain: Chain, seq: int) -> str:
    """The id of the event of an entry: the same at each delivery, so that receivers can tell."""
    return f"{chain}-{seq}"


def body_of(entry: LedgerEntry, kind: EventType) -> bytes:
    """The event as JSON, byte for byte the same at each delivery.

    `ledger` names the entry, so that a receiver can look it up. `text` is a sentence for chat
    tools, made of identifiers only: nobody's free text gets into a channel as markup.
    """
    return canonical_json.encode(
        {
            "id": event_id(entry.chain, entry.seq),
            "type": kind.value,
            "occurred_at": entry.at,
            "account_id": account_of(entry),
            "actor": entry.actor,
            "outcome": entry.outcome,
            "reason": entry.reason,
            "ids": dict(entry.ids),
            "details": dict(entry.details),
            "ledger": {"chain": str(entry.chain), "seq": entry.seq, "hash": entry.hash},
            "urgent": kind in URGENT,
            "text": _sentence(entry, kind),
        }
    )


def test_body(*, test_id: str, at: datetime, actor: str) -> bytes:
    """An event that says nothing but that it arrived."""
    return canonical_json.encode(
        {
            "id": test_id,
            "type": TEST,
            "occurred_at": rfc3339(at),
            "account_id": None,
            "actor": actor,
            "outcome": Outcome.DONE.value,
            "reason": None,
            "ids": {},
            "details": {},
            "ledger": None,
            "urgent": False,
            "text": f"A test of this webhook, by {actor}.",
        }
    )


def account_of(entry: LedgerEntry) -> AccountId | None:
    """The account that the entry belongs to; None in the broker's own chain."""
    return None if entry.chain == BROKER_CHAIN else AccountId(entry.chain)


def _degrades(entry: LedgerEntry) -> bool:
    degraded = AccountState.DEGRADED.value
    return entry.details.get("state") == degraded and entry.details.get("was") != degraded


def _sentence(entry: LedgerEntry, kind: EventType) -> str:
    became: object = entry.outcome
    if entry.outcome == Outcome.DONE:
        became = entry.details.get(_BECOMES.get(kind, ""), became)
    about = []
    if entry.chain != BROKER_CHAIN:
        about.append(f"account {entry.chain}")
    if "ticket" in entry.ids:
        about.append(f"ticket {entry.ids['ticket']}")
    if "engineer" in entry.details:
        about.append(f"for {entry.details['engineer']}")
    return f"{_HEADLINES[kind]} ({became}): {', '.join([*about, f'by {entry.actor}'])}."
