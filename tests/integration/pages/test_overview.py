"""The operator's pages: everything at a glance, and finding one thing in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from broker.domain.accounts import Account, AccountState
from broker.domain.identifiers import AccountId
from broker.domain.ledger.entries import LedgerAction, Outcome, chain_of
from broker.domain.ports import Save
from tests.integration.api.world import ACCOUNT, OPERATOR, OTHER, UNREADY
from tests.integration.pages.world import Site, consent, shown, subject


@contextmanager
def degraded(site: Site, account_id: str, error: str) -> Iterator[None]:
    """The account as a check would leave that finds something, for as long as the block lasts."""

    def kept(state: AccountState, error: str | None) -> Account:
        stored = site.services.store.accounts.get(AccountId(account_id))
        assert stored is not None
        account = stored.record.in_state(state, error=error)
        site.services.store.journal.record(
            chain_of(account.account_id),
            OPERATOR.event(
                LedgerAction.ACCOUNT_RECONCILED, Outcome.DONE, details={"state": state.value}
            ),
            now=site.services.clock(),
            saves=[Save(account, stored.version)],
        )
        return account

    kept(AccountState.DEGRADED, error)
    try:
        yield
    finally:
        kept(AccountState.ACTIVE, None)


def test_accounts_by_state_and_what_is_missing(site: Site) -> None:
    """The one without its stack stands out, with the way to configure it."""
    page = site.visitor("ruth").page("/overview")
    (configure,) = [link for link in page.links if link.label.startswith("Configure")]
    assert "cloudformation" in configure.address
    assert UNREADY in page.text
    assert "not set up yet" in page.text
    audited = site.visitor("otto").page("/overview")
    assert [link for link in audited.links if link.label.startswith("Configure")] == []
    assert "its customer creates the stack" in audited.text


def test_accounts_into_which_nobody_is_let(site: Site) -> None:
    """They are counted by their state, and told apart all the same."""
    ruth = site.visitor("ruth")
    assert "switched off" not in ruth.page("/overview").text
    with consent(site, "off"):
        assert "1 switched off" in ruth.page("/overview").text


def test_a_degraded_account_says_why(site: Site) -> None:
    """The account's own sentence stands beside it."""
    with degraded(site, OTHER, "The management role is <missing>."):
        page = site.visitor("ruth").page("/overview")
    assert "The management role is <missing>." in page.text
    assert "Degraded" in [text for _, text in page.headings]


def test_live_sessions_and_the_hours(site: Site) -> None:
    """Who is in, and what the hour saw; a refusal is counted by its code."""
    session_id = site.opened("ann", "OVER-1")
    site.world.write_ticket("OVER-2", ACCOUNT, status="closed")
    site.visitor("ann").post("/sessions", account_id=ACCOUNT, ticket="OVER-2")
    site.services.tallies.flush()
    page = site.visitor("ruth").page("/overview")
    assert f"/sessions/{session_id}" in page.addresses
    assert "ticket_closed" in page.text
    bars = [given for tag, given in page.tags if tag == "rect"]
    assert len(bars) == 2 * 48
    assert float(bars[-2]["height"]) > 0
    assert float(bars[-1]["height"]) > 0
    site.services.revoking.session(session_id, OPERATOR)
    assert f"/sessions/{session_id}" not in site.visitor("ruth").page("/overview").addresses


@pytest.mark.parametrize("name", ["ann", "paul", "carl", "rita", "ned"])
def test_it_is_for_those_who_see_everything(site: Site, name: str) -> None:
    """Neither for engineers nor for customers, nor for an operator of other accounts."""
    shown(site.visitor(name).get("/overview"), 403)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("harbour", ACCOUNT),
        (ACCOUNT[:6], ACCOUNT),
        ("FIND-1", "FIND-1"),
        ("needle in", "FIND-1"),
        (subject("ann"), "Sessions of"),
        ("nobody has heard of it", "Nothing that you may see fits"),
    ],
)
def test_search(site: Site, words: str, found: str) -> None:
    """By customer, account, ticket, subject, and an engineer's whole name."""
    site.world.write_ticket("FIND-1", ACCOUNT, subject="A Needle in a haystack")
    site.opened("ann", "FIND-2")
    assert found in site.visitor("ruth").page("/search", q=words).text


def test_a_ticket_that_is_found_leads_to_its_requests(site: Site) -> None:
    """To those, and to no others."""
    found, other = site.asked("ann", "FIND-6"), site.asked("ann", "FIND-7")
    ruth = site.visitor("ruth")
    (link,) = [
        each
        for each in ruth.page("/search", q="FIND-6").links
        if each.label.startswith("Requests for")
    ]
    requests = ruth.page(link.address).text
    assert found in requests
    assert other not in requests


def test_an_id_leads_there(site: Site) -> None:
    """Nobody has to click on the only thing that there is."""
    session_id, grant_id = site.opened("ann", "FIND-3"), site.asked("ann", "FIND-4")
    ruth = site.visitor("ruth")
    assert ruth.get("/search", q=session_id).headers["Location"] == f"/sessions/{session_id}"
    assert ruth.get("/search", q=grant_id).headers["Location"] == f"/requests/{grant_id}"


def test_nobody_finds_what_is_not_theirs(site: Site) -> None:
    """A customer finds their own, an engineer no tickets of others; and nothing is recorded."""
    site.world.write_ticket("FIND-5", OTHER, subject="hay for everybody", assignees=["x@y.example"])
    before = len(site.ledger())
    assert "Orchard" not in site.visitor("carl").page("/search", q="orchard").text
    assert "FIND-5" not in site.visitor("ann").page("/search", q="hay").text
    assert "Nothing" in site.visitor("ann").page("/search", q=subject("gus")).text
    assert len(site.ledger()) == before
