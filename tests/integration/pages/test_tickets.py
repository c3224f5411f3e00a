"""An engineer's tickets: what each leads to is what asking would lead to."""

from __future__ import annotations

import pytest

from broker.domain.identifiers import TicketId
from tests.integration.api.world import ACCOUNT, ASKING, OTHER, UNREADY
from tests.integration.pages.document import Document
from tests.integration.pages.world import Site, shown, subject


def of(page: Document, action: str, ticket: str) -> list[dict[str, str]]:
    """What the forms that lead there would send for the ticket."""
    return [
        form.fields
        for form in page.forms
        if form.action == action and form.fields.get("ticket") == ticket
    ]


def every_part(site: Site, name: str) -> str:
    """The text of somebody's tickets, part by part."""
    person, path, text = site.visitor(name), "/tickets", ""
    while True:
        page = person.page(path)
        text += page.text
        following = [link.address for link in page.links if link.attributes.get("rel") == "next"]
        if not following:
            return text
        (path,) = following


def test_each_account_has_its_next_step(site: Site) -> None:
    """Standing consent is one click; per grant is asked for; what is not ready says so."""
    site.world.write_ticket("TICK-1", ACCOUNT, ASKING, UNREADY, subject="It is slow")
    page = site.visitor("ann").page("/tickets/TICK-1")
    assert "It is slow" in page.text
    (opens,) = of(page, "/sessions", "TICK-1")
    assert opens["account_id"] == ACCOUNT
    (asks,) = of(page, "/requests", "TICK-1")
    assert asks["account_id"] == ASKING
    assert "The account is not ready for sessions." in page.text


def test_one_click_in_the_list(site: Site) -> None:
    """The form of the list needs nothing filled in, and gives credentials."""
    site.world.write_ticket("AAA-1", ACCOUNT)
    ann = site.visitor("ann")
    (fields,) = of(ann.page("/tickets"), "/sessions", "AAA-1")
    opened = shown(ann.http.post("/sessions", data=fields))
    assert "AWS_SECRET_ACCESS_KEY" in opened.text


def test_only_own_open_tickets(site: Site) -> None:
    """Not those of others, nor closed ones; and whose one may not see is not there."""
    site.world.write_ticket("TICK-2", ACCOUNT, assignees=[subject("gus")])
    site.world.write_ticket("TICK-3", ACCOUNT, assignees=[subject("ann")])
    site.world.write_ticket("TICK-4", ACCOUNT, status="closed")
    listed = every_part(site, "ann")
    assert "TICK-3" in listed
    assert "TICK-2" not in listed
    assert "TICK-4" not in listed
    assert site.visitor("ann").get("/tickets/TICK-2").status_code == 404
    closed = site.visitor("ann").page("/tickets/TICK-4")
    assert "The ticket is closed" in closed.text
    assert of(closed, "/sessions", "TICK-4") == []


def test_a_request_that_waits_is_linked(site: Site) -> None:
    """Nobody is offered to ask twice."""
    grant_id = site.asked("ann", "TICK-5")
    page = site.visitor("ann").page("/tickets/TICK-5")
    assert f"/requests/{grant_id}" in page.addresses
    assert of(page, "/requests", "TICK-5") == []


@pytest.mark.parametrize("verdict", ["denial", "revocation"])
def test_what_was_denied_or_revoked_may_be_asked_for_again(site: Site, verdict: str) -> None:
    """It waits for nobody: ticket and request both lead to asking again."""
    ticket = f"TICK-{verdict.upper()}"
    grant_id = site.asked("ann", ticket)
    site.visitor("carl").done(f"/requests/{grant_id}/{verdict}", reason="Not today")
    ann = site.visitor("ann")
    page = ann.page(f"/tickets/{ticket}")
    assert f"/requests/{grant_id}" not in page.addresses
    (asks,) = of(page, "/requests", ticket)
    assert f"/tickets/{ticket}" in ann.page(f"/requests/{grant_id}").addresses
    instead = shown(ann.post("/sessions", account_id=asks["account_id"], ticket=ticket))
    assert len(of(instead, "/requests", ticket)) == 1


def test_looking_is_no_asking(site: Site) -> None:
    """Whatever the page foresees, refusals too, nothing of it stands in a ledger."""
    site.world.write_ticket("TICK-6", ACCOUNT, ASKING, UNREADY, OTHER)
    chains = (None, ACCOUNT, ASKING, UNREADY, OTHER)
    before = [len(site.ledger(chain)) for chain in chains]
    site.visitor("ann").page("/tickets/TICK-6")
    site.visitor("ann").page("/tickets")
    assert [len(site.ledger(chain)) for chain in chains] == before


def test_what_others_wrote_is_shown_as_text(site: Site) -> None:
    """Subjects come from whoever writes to the support organisation."""
    hostile = "<img src=x onerror=alert(1)>{{ 7 * 7 }}"
    site.world.write_ticket("TICK-7", ACCOUNT, subject=hostile)
    page = site.visitor("ann").page("/tickets/TICK-7")
    assert hostile in page.text
    assert not [given for tag, given in page.tags if given.get("src") == "x"]
    assert TicketId.parse("TICK-7") in page.text
