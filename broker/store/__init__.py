"""The store: everything that the broker keeps, in one server that speaks the Redis protocol."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from broker.domain import ports
from broker.domain.webhooks import delivery
from broker.errors import StoreUnavailable
from broker.store.accounts import Accounts
from broker.store.agenda import Agenda
from broker.store.api_tokens import AcceptedCredentials, ApiTokens
from broker.store.approval_links import ApprovalLinks
from broker.store.browser_sessions import BrowserSessions
from broker.store.checkpoints import Checkpoints
from broker.store.connection import Connection, Timeouts, connect
from broker.store.durability import Confirmation, Durability, confirmation_for, detect
from broker.store.grants import Grants
from broker.store.hooks import Hooks
from broker.store.idempotency import Idempotency
from broker.store.journal import Concerned, Journal
from broker.store.keyspace import Keyspace
from broker.store.leases import Leases
from broker.store.readiness import problems_of
from broker.store.sessions import Sessions
from broker.store.tallies import Tallies
from broker.store.tickets import Tickets
from broker.store.webhook_cursors import WebhookCursors
from broker.store.webhook_queue import WebhookQueue
from broker.store.windows import Windows

__all__ = ["Durability", "Store", "Timeouts", "open_store"]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Store:
    """The journal and the repositories of one server; a context manager that closes it."""

    def __init__(
        self,
        connection: Connection,
        keyspace: Keyspace,
        *,
        clock: Callable[[], datetime],
        concerned: Concerned,
    ) -> None:
        self._connection = connection
        self._durability: Durability | None = None
        self.journal: ports.Journal = Journal(
            connection, keyspace, confirmation=self._confirmation, concerned=concerned
        )
        self.accounts: ports.AccountRepository = Accounts(connection, keyspace)
        self.checkpoints: ports.CheckpointRepository = Checkpoints(connection, keyspace)
        self.tickets: ports.TicketRepository = Tickets(connection, keyspace)
        self.grants: ports.GrantRepository = Grants(connection, keyspace, clock=clock)
        self.sessions: ports.SessionRepository = Sessions(connection, keyspace)
        self.api_tokens: ports.ApiTokenRepository = ApiTokens(connection, keyspace)
        self.browser_sessions: ports.BrowserSessionRepository = BrowserSessions(
            connection, keyspace
        )
        self.acceptances: ports.AcceptanceRepository = AcceptedCredentials(connection, keyspace)
        self.approval_links: ports.ApprovalLinkRepository = ApprovalLinks(connection, keyspace)
        self.hooks: ports.HookRepository = Hooks(connection, keyspace)
        self.agenda: ports.Agenda = Agenda(connection, keyspace)
        self.leases: ports.LeaseRepository = Leases(connection, keyspace)
        self.idempotency: ports.IdempotencyRepository = Idempotency(connection, keyspace)
        self.tallies: ports.TallyRepository = Tallies(connection, keyspace)
        self.windows: ports.WindowRepository = Windows(connection, keyspace)
        self.webhook_cursors: delivery.WebhookCursors = WebhookCursors(connection, keyspace)
        self.webhook_queue: delivery.WebhookQueue = WebhookQueue(connection, keyspace)

    def ping(self) -> None:
        """Raise StoreUnavailable if the server does not answer."""
        self._connection.run(lambda redis: redis.ping())

    def durability(self) -> Durability:
        """What an acknowledged write survives, asked now.

        The journal confirms its writes accordingly; it asks by itself before the first one.
        """
        self._durability = self._connection.run(detect)
        return self._durability

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the server, a sentence each, for `/readyz`; empty if nothing is."""
        try:
            info = self._connection.run(lambda redis: redis.info())
            return problems_of(info, self.durability())
        except StoreUnavailable as e:
            return (e.public_message,)

    def close(self) -> None:
        """Close all connections; the last user of an embedded server stops it."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _confirmation(self) -> Confirmation | None:
        known = self._durability
        return confirmation_for(self.durability() if known is None else known)


def open_store(
    url: str,
    *,
    namespace: str = "",
    connections: int = 32,
    timeouts: Timeouts | None = None,
    clock: Callable[[], datetime] = _utc_now,
    concerned: Concerned = lambda _: (),
) -> Store:
    """The store at `url`: `embedded:<folder>`, `redis://`, `rediss://` or `unix://`.

    `connections` bounds the sockets, so it should be the number of threads. Open it after
    forking. `concerned` says which webhook endpoints to hasten for what was written. Raises
    ConfigurationError where the address cannot be used.
    """
    connection = connect(url, connections=connections, timeouts=timeouts or Timeouts())
    return Store(connection, Keyspace(namespace), clock=clock, concerned=concerned)
