"""How far an endpoint has been told, what became of a try, and when to give up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from broker.domain.identifiers import AccountId
from broker.domain.ledger.entries import Chain
from broker.domain.webhooks.endpoints import Endpoint

NOT_NOW = frozenset({408, 425, 429, 502, 503, 504})
"""Answers that say nothing of the event: the receiver is too busy, or is not there (RFC 9110,
sections 15.5.9, 15.6.3 to 15.6.5; RFC 8470, section 5.2; RFC 6585, section 4)."""


class Verdict(StrEnum):
    """What a receiver made of an event."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """It does not take this event: most likely it never will."""
    FAILED = "failed"
    """It broke over this event, which need not hold for the next one."""
    UNAVAILABLE = "unavailable"
    """It does not take any event at the moment."""


PATIENCE = {
    Verdict.REFUSED: timedelta(minutes=15),
    Verdict.FAILED: timedelta(hours=24),
    Verdict.UNAVAILABLE: timedelta(hours=24),
}
"""How long an event is tried for. A refusal may be a deployment gone wrong, so not at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The outcome of one try; `status` is None where no answer came."""

    verdict: Verdict
    status: int | None = None
    retry_after: timedelta | None = None


def verdict_of(status: int) -> Verdict:
    """What an HTTP status says. A redirect is no receipt: nobody follows it."""
    if 200 <= status < 300:
        return Verdict.ACCEPTED
    if status in NOT_NOW:
        return Verdict.UNAVAILABLE
    return Verdict.FAILED if status >= 500 else Verdict.REFUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far an endpoint has been told of a chain: up to the entry `seq`.

    `failures` counts the tries of the event after it, in a row and since `failing_since`;
    `next_try_at` is None where nothing has to be waited for.
    """

    seq: int
    failures: int = 0
    failing_since: datetime | None = None
    next_try_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """An endpoint takes nothing, since then; it is left alone until `until`."""

    failures: int
    since: datetime
    until: datetime


def is_hopeless(
    verdict: Verdict, *, happened_at: datetime, failing_since: datetime, now: datetime
) -> bool:
    """Whether to give up: the event has waited, and its receiver failed, for long enough.

    Both, so that an event which was written during a long outage still gets its own time.
    """
    return now - max(happened_at, failing_since) >= PATIENCE[verdict]


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a chain goes, and how far an endpoint has been told of it, if ever."""

    head: int
    cursor: Cursor | None


class WebhookSender(Protocol):
    """The way to endpoints."""

    def send(self, endpoint: Endpoint, body: bytes, headers: Mapping[str, str]) -> Receipt:
        """Post it once, within seconds; whatever goes wrong is a receipt too."""
        ...


class WebhookCursors(Protocol):
    """How far each endpoint has been told, and which of them are out of reach.

    An endpoint that is seen for the first time starts at the present end of each chain; what has
    been started once is kept, under the endpoint's name.
    """

    def has_begun(self, endpoint: str) -> bool:
        """Whether every chain that existed has its cursor: one that has none now is younger."""
        ...

    def begin(self, endpoint: str) -> None:
        """Say so."""
        ...

    def start(self, endpoint: str, at: Mapping[Chain, int]) -> None:
        """Set cursors in chains where the endpoint has none."""
        ...

    def get(self, endpoint: str, chain: Chain) -> Cursor | None:
        """The cursor; None where there is none yet."""
        ...

    def move(self, endpoint: str, chain: Chain, *, expected: Cursor | None, to: Cursor) -> bool:
        """Set the cursor if it still is `expected`; whether it stands at `to` now."""
        ...

    def reaches(self, endpoint: str, chains: Sequence[Chain]) -> Mapping[Chain, Reach]:
        """Chains and cursors side by side, in one round trip."""
        ...

    def oldest(self, untold: Mapping[Chain, int]) -> datetime | None:
        """When the oldest entry was written that stands behind these numbers of its chain."""
        ...

    def account_ids(self, *, after: AccountId | None, limit: int) -> Sequence[AccountId]:
        """Accounts in the order of their ids."""
        ...

    def outage(self, endpoint: str) -> Outage | None:
        """The endpoint's outage, if there is one."""
        ...

    def set_outage(self, endpoint: str, outage: Outage | None) -> None:
        """Remember it, or that it is over."""
        ...


class WebhookQueue(Protocol):
    """The chains in which an endpoint has something to be told of, by when it is due.

    It only says where to look: whatever gets lost here is found again by comparing cursors.
    """

    def put(self, endpoint: str, chains: Sequence[Chain], *, at: datetime) -> None:
        """Put down the chains that are not down already."""
        ...

    def take(self, endpoint: str, *, now: datetime) -> Chain | None:
        """Take out the chain that is due longest; None where none is due."""
        ...

    def next_due(self, endpoint: str) -> datetime | None:
        """When the next chain is due; None where none is down."""
        ...
