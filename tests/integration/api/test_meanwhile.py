"""What ends while AWS is asked counts: no credentials leave for what is over by then.

The customer's word, the ticket and the grant count to the last moment (promises 2 and 6), and the
ledger shows what they prevented.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from broker.domain.accounts import Consent
from broker.domain.grants import GrantState
from broker.domain.identifiers import AccountId, EngineerId, SessionId, TicketId
from broker.domain.ledger.entries import BROKER_CHAIN, Event, LedgerAction, Outcome, chain_of
from broker.domain.ports import Save
from broker.domain.tickets import TicketStatus
from broker.services.ambient import utc_now
from broker.store import Store
from tests.integration.api.world import ACCOUNT, ENGINEER, World

CHAIN = chain_of(AccountId(ACCOUNT))
TICKET = TicketId("CASE-MEANWHILE")
CHANGE = Event(actor="test", action=LedgerAction.ACCOUNT_CHANGED, outcome=Outcome.DONE)

Change = Callable[[Store], None]


@dataclass(frozen=True)
class SlowAws:
    """The real exchange, during which something happens."""

    exchanged: Any
    meanwhile: Callable[[], None]

    def exchange(self, **asked: Any) -> Any:
        credentials = self.exchanged.exchange(**asked)
        self.meanwhile()
        return credentials


@dataclass
class SlowJournal:
    """The real journal; something happens just before a session's record is written."""

    journal: Any
    meanwhile: Callable[[], None]
    times: int = 1

    def record(self, chain: Any, *events: Event, **written: Any) -> Any:
        if written.get("unchanged") and self.times:
            self.times -= 1
            self.meanwhile()
        return self.journal.record(chain, *events, **written)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.journal, name)


def consent(word: Consent) -> Change:
    def write(store: Store) -> None:
        stored = store.accounts.get(AccountId(ACCOUNT))
        changed = replace(stored.record, consent=word)
        save = Save(changed, expected=stored.version)
        store.journal.record(CHAIN, CHANGE, now=utc_now(), saves=[save])

    return write


def ticket(**changes: Any) -> Change:
    def write(store: Store) -> None:
        stored = store.tickets.get(TICKET)
        save = Save(replace(stored.record, **changes), expected=stored.version)
        store.journal.record(BROKER_CHAIN, CHANGE, now=utc_now(), saves=[save])

    return write


def grants(**changes: Any) -> Change:
    def write(store: Store) -> None:
        for grant in store.grants.of_ticket(TICKET):
            save = Save(replace(grant.record, **changes), expected=grant.version)
            store.journal.record(CHAIN, CHANGE, now=utc_now(), saves=[save])

    return write


ENDS: dict[str, Change] = {
    "consent_off": consent(Consent.OFF),
    "ticket_closed": ticket(status=TicketStatus.CLOSED),
    "ticket_not_for_account": ticket(account_ids=()),
    "not_assigned": ticket(assignees=(EngineerId("somebody@else.example"),)),
    "grant_required": grants(decided=GrantState.REVOKED),
}


@pytest.fixture(autouse=True)
def everything_stands(world: World) -> Any:
    """The customer consents, and the ticket is open, before and after."""
    world.write_ticket(TICKET, ACCOUNT)
    yield
    consent(Consent.STANDING)(world.services.store)


def ask(world: World, **parts: Any) -> httpx.Response:
    """Ask for a session of a broker of which some parts are others."""
    services = replace(world.services, open_session=replace(world.services.open_session, **parts))
    body = {"account_id": ACCOUNT, "ticket": TICKET}
    return world.inside_of(services, ENGINEER).post("/v1/sessions", json=body)


def assert_withheld(world: World, answer: httpx.Response, code: str) -> None:
    assert answer.status_code == 403, answer.text
    assert answer.json()["code"] == code
    assert "credentials" not in answer.text
    entries = world.ledger(ACCOUNT)
    opened = [e for e in entries if e.action == "session.opened" and e.ids["ticket"] == TICKET]
    assert (opened[-1].outcome, opened[-1].reason) == ("failed", code)
    assert opened[-2].outcome == "intended"
    session_id = SessionId.parse(opened[-1].ids["session"])
    assert world.services.store.sessions.get(session_id) is None


@pytest.mark.parametrize("code", ENDS)
def test_what_ends_during_the_exchange_withholds_the_credentials(world: World, code: str) -> None:
    store = world.services.store
    slow = SlowAws(world.services.open_session.exchange, lambda: ENDS[code](store))
    assert_withheld(world, ask(world, exchange=slow), code)


def test_a_grant_that_ends_at_the_very_last_moment_withholds_the_credentials(world: World) -> None:
    """Between the second decision and the record: the record is refused by the store itself."""
    store = world.services.store
    journal = SlowJournal(store.journal, lambda: ENDS["grant_required"](store))
    assert_withheld(world, ask(world, journal=journal), "grant_required")


def test_a_grant_that_changes_and_still_allows_it_is_no_reason(world: World) -> None:
    store = world.services.store
    journal = SlowJournal(store.journal, lambda: grants(reason="said better")(store))
    answer = ask(world, journal=journal)
    assert answer.status_code == 201, answer.text
    grant_id = answer.json()["session"]["grant_id"]
    assert [
        g.record.reason for g in store.grants.of_ticket(TICKET) if g.record.grant_id == grant_id
    ] == ["said better"]


def test_a_grant_that_never_holds_still_gives_no_credentials(world: World) -> None:
    store = world.services.store
    changes = iter(range(1_000))
    journal = SlowJournal(
        store.journal, lambda: grants(reason=f"once more {next(changes)}")(store), times=1_000
    )
    answer = ask(world, journal=journal)
    assert (answer.status_code, answer.json()["code"]) == (409, "stale_version")
    assert "credentials" not in answer.text
