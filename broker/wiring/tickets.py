"""Where tickets come from, and what becomes of what was granted for them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from broker.domain.identifiers import TicketId
from broker.domain.ports import CurrentTickets, TaskKind, Versioned
from broker.domain.ticket_sources.address import TicketUrl
from broker.domain.ticket_sources.reading import Mapped
from broker.domain.ticket_standing import Rounds
from broker.domain.tickets import Ticket
from broker.http.outbound import Outbound
from broker.http.ticket_source import HttpTicketSource, TicketSystem
from broker.services.ambient import utc_now
from broker.services.background.crew import Handler
from broker.services.revocation.ending import Ending
from broker.services.tickets.lookup import TicketLookup
from broker.services.tickets.watch import TicketWatch
from broker.services.tickets.writing import Tickets, ToldBy
from broker.settings import Settings
from broker.wiring.foundation import Foundation


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketDesk:
    """Tickets as access is decided on, writing them, and what a worker does for them."""

    current: CurrentTickets
    tickets: Tickets
    handlers: Mapping[TaskKind, Handler]


def build_ticket_desk(base: Foundation, ending: Ending) -> TicketDesk:
    """On the source that the operator named, or on what the console tells."""
    settings = base.settings
    if settings.tickets_url is None:
        told = base.store.tickets
        return _desk(base, ending, current=told, ask=told.get, rounds=None)
    lookup = _lookup(base, settings.tickets_url)
    rounds = Rounds(
        every=timedelta(seconds=settings.tickets_check_seconds),
        longest_silence=timedelta(seconds=settings.tickets_silence_seconds),
    )
    return _desk(base, ending, current=lookup, ask=lookup.ask, rounds=rounds)


def _desk(
    base: Foundation,
    ending: Ending,
    *,
    current: CurrentTickets,
    ask: Callable[[TicketId], Versioned[Ticket] | None],
    rounds: Rounds | None,
) -> TicketDesk:
    store = base.store
    watch = TicketWatch(
        ask=ask,
        rounds=rounds,
        tickets=store.tickets,
        grants=store.grants,
        sessions=store.sessions,
        ending=ending,
        journal=store.journal,
        agenda=store.agenda,
        clock=utc_now,
    )
    tickets = Tickets(
        journal=store.journal,
        tickets=store.tickets,
        told_by=ToldBy.CONSOLE if rounds is None else ToldBy.SOURCE,
        gate=base.gate,
        clock=utc_now,
    )
    return TicketDesk(current=current, tickets=tickets, handlers={TaskKind.TICKET: watch})


def _lookup(base: Foundation, url: TicketUrl) -> TicketLookup:
    settings = base.settings
    system = TicketSystem(
        url=url,
        shape=settings.tickets_shape,
        mapped=Mapped(
            accounts_field=settings.tickets_accounts_field,
            email_domain=settings.tickets_email_domain,
        ),
        authorization=_authorization(settings),
    )
    # A ticket system is not AWS, so the sandbox does not stand in for it.
    source = HttpTicketSource(system, outbound=Outbound(endpoint_url=None), clock=utc_now)
    return TicketLookup(
        source=source, tickets=base.store.tickets, journal=base.store.journal, clock=utc_now
    )


def _authorization(settings: Settings) -> str | None:
    """The header's value; user and password of Basic are encoded for it (RFC 7617, section 2)."""
    if settings.tickets_token is None:
        return None
    secret = settings.tickets_token.get_secret_value()
    if settings.tickets_authorization.lower() == "basic":
        secret = base64.b64encode(secret.encode("ascii")).decode("ascii")
    return f"{settings.tickets_authorization} {secret}"
