"""Comparing every chain with every endpoint's cursor, so that nothing depends on a hint.

A process may die between an entry and its hint, or between a delivery and its cursor: the next
sweep finds the chain. It also starts endpoints that are new, at the present end of each chain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from broker.domain.identifiers import AccountId
from broker.domain.ledger.entries import BROKER_CHAIN, Chain, chain_of
from broker.domain.ports import Agenda, Task, TaskKind
from broker.domain.webhooks.delivery import Cursor, Reach, WebhookCursors, WebhookQueue
from broker.domain.webhooks.endpoints import Endpoint, Endpoints
from broker.services.ambient import Clock
from broker.services.calls import Call
from broker.services.observations import Observer

EVERY = timedelta(minutes=1)
"""How often; so late comes what a crash kept from being told at once."""

SWEEP = Task(TaskKind.WEBHOOK_SWEEP, "all")
"""The one task that all workers share."""

PAGE = 500
"""Chains that are looked at in one round trip."""


class _Unknown(Enum):
    """What a chain is in which the endpoint has no cursor."""

    NEW_TO_THE_ENDPOINT = "new to the endpoint"
    YOUNGER = "younger than the endpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSweep:
    """A worker's handler, which comes round by itself."""

    endpoints: Endpoints
    cursors: WebhookCursors
    queue: WebhookQueue
    agenda: Agenda
    observer: Observer
    clock: Clock

    def __call__(self, subject: str, call: Call) -> None:
        """Sweep for all endpoints, and put the next sweep down. Raises where the store is gone."""
        del call
        for endpoint in self.endpoints:
            self._sweep(endpoint)
        next_at = self.clock() + EVERY
        self.agenda.conclude(Task(TaskKind.WEBHOOK_SWEEP, subject), next_at=next_at)

    def _sweep(self, endpoint: Endpoint) -> None:
        unknown = self._unknown(endpoint)
        oldest: list[datetime] = []
        for chains in self._pages(endpoint):
            untold = self._untold(endpoint, chains, unknown)
            written_at = self.cursors.oldest({chain: at.seq for chain, at in untold.items()})
            oldest += [] if written_at is None else [written_at]
            self._put_down(endpoint, untold)
        if endpoint.accounts is None:
            self.cursors.begin(endpoint.name)
        self.observer.webhook_waits_since(endpoint.name, min(oldest, default=None))

    def _unknown(self, endpoint: Endpoint) -> _Unknown:
        """One that may hear of all accounts was started in each that there was."""
        if endpoint.accounts is None and self.cursors.has_begun(endpoint.name):
            return _Unknown.YOUNGER
        return _Unknown.NEW_TO_THE_ENDPOINT

    def _pages(self, endpoint: Endpoint) -> Iterator[Sequence[Chain]]:
        """Every chain that the endpoint may hear of, a page at a time."""
        if endpoint.accounts is not None:
            # Those too that are yet to be registered: they are started before their first entry.
            yield [chain_of(account_id) for account_id in sorted(endpoint.accounts)]
            return
        yield [BROKER_CHAIN]
        after: AccountId | None = None
        while page := self.cursors.account_ids(after=after, limit=PAGE):
            yield [chain_of(account_id) for account_id in page]
            after = page[-1]

    def _untold(
        self, endpoint: Endpoint, chains: Sequence[Chain], unknown: _Unknown
    ) -> Mapping[Chain, Cursor]:
        """The cursors of chains that go further than what the endpoint has been told."""
        reaches = self.cursors.reaches(endpoint.name, chains)
        if unknown is _Unknown.NEW_TO_THE_ENDPOINT:
            new = {chain: at.head for chain, at in reaches.items() if at.cursor is None}
            self.cursors.start(endpoint.name, new)
            reaches = {chain: at for chain, at in reaches.items() if chain not in new}
        return {chain: cursor for chain, at in reaches.items() if (cursor := _behind(at))}

    def _put_down(self, endpoint: Endpoint, untold: Mapping[Chain, Cursor]) -> None:
        """Have them looked at, except where a pause after a failure is not over yet."""
        now = self.clock()
        due = [
            chain
            for chain, cursor in untold.items()
            if cursor.next_try_at is None or cursor.next_try_at <= now
        ]
        if due:
            self.queue.put(endpoint.name, due, at=now)
            self.agenda.hasten(Task(TaskKind.WEBHOOK, endpoint.name), at=now)


def _behind(reach: Reach) -> Cursor | None:
    cursor = reach.cursor or Cursor(seq=0)
    return cursor if reach.head > cursor.seq else None
