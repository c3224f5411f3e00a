"""Asking for access and deciding on it, at the pages."""

from __future__ import annotations

import httpx
import pytest

from broker.domain.identifiers import GrantId
from tests.integration.api.world import ACCOUNT, ASKING, OTHER
from tests.integration.pages.world import Site, consent, faults, led_to, shown, subject


def state(site: Site, grant_id: str) -> str:
    """How the grant stands in the store."""
    stored = site.services.granting.grants.grants.get(GrantId.parse(grant_id))
    assert stored is not None
    return stored.record.decided.value


def test_a_request_and_its_approval(site: Site) -> None:
    """Asked by the engineer, seen and approved by the customer, shown to both."""
    site.world.write_ticket("REQ-1", ASKING)
    ann, carl = site.visitor("ann"), site.visitor("carl")
    asked = {"account_id": ASKING, "ticket": "REQ-1", "reason": "See the queue", "minutes": "90"}
    address = ann.done("/requests", **asked)
    path, _, notice = address.partition("?")
    assert notice == "done=requested"
    waiting = ann.page(address)
    assert "Somebody else has to decide" in waiting.text
    assert [given["data-reload-after"] for _, given in waiting.tags if "data-reload-after" in given]
    assert waiting.actions == {f"{path}/revocation"}

    assert path in carl.page("/requests").addresses
    page = carl.page(path)
    for words in (subject("ann"), "See the queue", "1 hour 30 minutes", "REQ-1", ASKING):
        assert words in page.text
    assert page.form(f"{path}/approval").names == {"csrf_token", "reason"}
    assert "data-reload-after" not in page.html
    approved = carl.done(f"{path}/approval", reason="As agreed")
    assert approved == f"{path}?done=approved"
    page = ann.page(path)
    assert {subject("carl"), "As", "agreed"} <= set(page.text.split())
    assert "/tickets/REQ-1" in page.addresses
    assert page.actions == {f"{path}/revocation"}


def test_a_denial(site: Site) -> None:
    """The engineer reads why."""
    grant_id = site.asked("ann", "REQ-2")
    carl = site.visitor("carl")
    assert carl.done(f"/requests/{grant_id}/denial", reason="Not today") == (
        f"/requests/{grant_id}?done=denied"
    )
    page = site.visitor("ann").page(f"/requests/{grant_id}")
    assert "Not today" in page.text
    assert page.actions == set()


def test_a_revocation_ends_the_sessions_under_it(site: Site) -> None:
    """The grant's page lists them, and ends them with it."""
    grant_id = site.asked("ann", "REQ-3")
    carl = site.visitor("carl")
    carl.done(f"/requests/{grant_id}/approval", reason="")
    session_id = site.opened("ann", "REQ-3", ASKING)
    page = carl.page(f"/requests/{grant_id}")
    assert f"/sessions/{session_id}" in page.addresses
    assert " live " in page.text
    carl.done(f"/requests/{grant_id}/revocation", reason="Enough")
    page = carl.page(f"/requests/{grant_id}")
    assert "Enough" in page.text
    assert " live " not in page.text
    assert state(site, grant_id) == "revoked"


def test_approvers_see_no_sessions(site: Site) -> None:
    """They decide about access, and do not look at what came of it."""
    grant_id = site.asked("ann", "REQ-4")
    paul = site.visitor("paul")
    paul.done(f"/requests/{grant_id}/approval", reason="")
    session_id = site.opened("ann", "REQ-4", ASKING)
    assert session_id not in paul.page(f"/requests/{grant_id}").text


def test_standing_consent_approves_at_once(site: Site) -> None:
    """Nobody is told to wait."""
    site.world.write_ticket("REQ-5", ACCOUNT)
    fields = {"account_id": ACCOUNT, "ticket": "REQ-5", "reason": "", "minutes": ""}
    address = site.visitor("ann").done("/requests", **fields)
    assert address.endswith("?done=approved")
    assert "standing consent" in site.visitor("ann").page(address).text


@pytest.mark.parametrize("choice", ["per_grant", "off"])
def test_what_was_approved_under_another_consent(site: Site, choice: str) -> None:
    """It gives no access any more: nobody reads that it is approved, and goes in by it."""
    grant_id = site.asked("ann", f"VOID-{choice}", OTHER)
    ann, nora, path = site.visitor("ann"), site.visitor("nora"), f"/requests/{grant_id}"
    assert "Go in by the ticket" in ann.page(path).text
    with consent(site, choice):
        for page in (ann.page(path), nora.page(path)):
            assert "It was approved, and gives no access any more" in page.text
            assert "Go in by the ticket" not in page.text
        for query in ({}, {"state": "approved"}):
            listed = nora.page("/requests", ticket=f"VOID-{choice}", **query)
            assert "Approved, and void since consent was changed." in listed.text
            assert '<span class="badge good">approved</span>' not in listed.html
        assert state(site, grant_id) == "approved"


def test_while_access_is_off_a_request_can_only_be_denied(site: Site) -> None:
    """No button is there for what would be refused."""
    nora = site.visitor("nora")
    with consent(site, "per_grant"):
        grant_id = site.asked("ann", "VOID-3", OTHER)
        path = f"/requests/{grant_id}"
        nora.done(f"/accounts/{OTHER}/consent", consent="off")
        page = nora.page(path)
        assert "approved only once the customer has switched it on again" in page.text
        assert page.form(f"{path}/denial").buttons == [f"Deny {grant_id}"]
        assert nora.done(f"{path}/denial", reason="") == f"{path}?done=denied"


def test_breaking_the_glass_stands_out(site: Site) -> None:
    """It takes the role and a reason, and everybody sees what it was."""
    fields = {"reason": "The database is down and nobody answers", "break_glass": "yes"}
    grant_id = site.asked("bree", "REQ-6", **fields)
    page = site.visitor("carl").page(f"/requests/{grant_id}")
    assert "taken in an emergency" in page.text
    assert "break-glass" in site.visitor("carl").page("/requests").text
    site.world.write_ticket("REQ-7", ASKING)
    asked = {"account_id": ASKING, "ticket": "REQ-7", **fields}
    shown(site.visitor("ann").post("/requests", **asked), 403)


def test_nobody_decides_on_their_own(site: Site) -> None:
    """No button is there, and sending the form is refused."""
    grant_id = site.asked("ann", "REQ-8")
    for name in ("ann", "gus", "otto", "ruth"):
        shown(site.visitor(name).post(f"/requests/{grant_id}/approval", reason=""), 403)
    assert state(site, grant_id) == "requested"


def test_a_decision_is_taken_once(site: Site) -> None:
    """The second to decide is told that it was decided on, and by which code."""
    grant_id = site.asked("ann", "REQ-9")
    site.visitor("carl").done(f"/requests/{grant_id}/denial", reason="")
    late = shown(site.visitor("paul").post(f"/requests/{grant_id}/approval", reason=""), 409)
    assert "grant_already_decided" in late.text


def test_who_denies_what_they_have_approved_is_told_the_way_out(site: Site) -> None:
    """They revoke it, on the page from which they came."""
    grant_id = site.asked("ann", "REQ-12")
    carl, path = site.visitor("carl"), f"/requests/{grant_id}"
    carl.done(f"{path}/approval", reason="")
    fields = {"csrf_token": carl.csrf_token, "reason": ""}
    came_from = {"Referer": f"{site.services.public_url}{path}"}
    late = shown(carl.http.post(f"{path}/denial", data=fields, headers=came_from), 409)
    assert "To end what was approved, revoke it." in late.text
    assert late.link("Back").address == path
    assert carl.page(path).actions == {f"{path}/revocation"}
    assert state(site, grant_id) == "approved"


@pytest.mark.parametrize("verdict", ["approval", "denial", "revocation"])
def test_foreigners_and_foreign_pages(site: Site, verdict: str) -> None:
    """Another customer knows of nothing; and without our token nothing is decided."""
    grant_id = site.asked("ann", f"FOREIGN-{verdict}")
    path = f"/requests/{grant_id}"
    for name in ("nora", "eve", "rita"):
        visitor = site.visitor(name)
        shown(visitor.get(path), 404)
        answer = visitor.post(f"{path}/{verdict}", reason="")
        shown(answer, 403 if (name, verdict) in HAVE_NOT_THE_ROLE else 404)
        assert path not in visitor.page("/requests").addresses
    answer = site.visitor("carl").without_token(f"{path}/{verdict}", reason="")
    assert "csrf_failed" in shown(answer, 403).text
    assert state(site, grant_id) == "requested"


HAVE_NOT_THE_ROLE = {
    ("eve", "approval"),
    ("eve", "denial"),
    ("rita", "approval"),
    ("rita", "denial"),
}
"""Who may never decide is told so before anybody looks for the request."""


def test_what_is_filled_in_wrongly_is_named(site: Site) -> None:
    """Each field with what is wrong, and nothing is asked for."""
    good = {"account_id": ASKING, "ticket": "REQ-10", "reason": "", "access": "read"}
    wrong = {
        "account_id": "12",
        "ticket": "no ticket",
        "access": "everything",
        "minutes": "5",
        "reason": "x" * 501,
    }
    ann = site.visitor("ann")
    for name, value in wrong.items():
        answer = ann.post("/requests", **{**good, name: value})
        assert faults(answer) == {name.replace("_", " ")}
    assert faults(ann.post("/requests", **good, sudo="1")) == {"sudo"}
    assert faults(site.visitor("cora").post("/requests", **good)) == {"on behalf of"}
    page = shown(site.visitor("ann").without_token("/requests", **good), 403)
    assert "csrf_failed" in page.text


def test_lists_are_filtered(site: Site) -> None:
    """By state, account, ticket and engineer; those that wait stand before all others."""
    anns, guss = site.asked("ann", "LIST-1"), site.asked("gus", "LIST-2")
    site.visitor("carl").done(f"/requests/{guss}/denial", reason="")
    carl = site.visitor("carl")
    text = carl.page("/requests").text
    assert text.index(anns) < text.index("Decided, ended and expired") < text.index(guss)
    denied = carl.page("/requests", state="denied").text
    assert guss in denied
    assert anns not in denied
    nobodys = carl.page("/requests", state="requested", ticket="LIST-NONE").text
    assert "Nothing waits for a decision." in nobodys
    of_gus = carl.page("/requests", engineer=subject("gus"), account=ASKING).text
    assert guss in of_gus
    assert anns not in of_gus
    of_ticket = carl.page("/requests", ticket="LIST-1").text
    assert anns in of_ticket
    assert guss not in of_ticket
    assert anns not in carl.page("/requests", account=ACCOUNT).text
    assert anns not in carl.page("/requests", account=OTHER).text
    assert guss not in site.visitor("ann").page("/requests").text
    shown(carl.get("/requests", state="sleeping"), 400)
    assert faults(carl.get("/requests", ticket="no ticket")) == {"ticket"}


def test_every_part_of_a_long_list_is_reached(site: Site) -> None:
    """By the link at the end of each part, under the same filter."""
    made = {site.asked("gus", f"LONG-{number}") for number in range(30)}
    page = site.visitor("gus").page("/requests", state="requested")
    seen = {each for each in made if each in page.text}
    (link,) = [each for each in page.links if each.label == "Show more"]
    assert "state=requested" in link.address
    assert seen < made
    rest = site.visitor("gus").page(link.address).text
    assert all(each in rest for each in made - seen)


def test_reasons_are_text(site: Site) -> None:
    """An engineer's reason is read by the customer's browser, and never run by it."""
    hostile = "<img src=x onerror=alert(1)> {{ 7 * 7 }}"
    grant_id = site.asked("ann", "REQ-11", reason=hostile)
    for path in ("/requests", f"/requests/{grant_id}"):
        answer: httpx.Response = site.visitor("carl").get(path)
        assert "<img src=x" not in answer.text
        assert hostile in shown(answer).text


def test_strangers_are_asked_who_they_are(site: Site) -> None:
    """Reading leads to the sign-in and back; a write leads nowhere."""
    with site.stranger() as nobody:
        assert led_to(nobody.get("/requests?state=denied")) == (
            "/sign-in?return_to=%2Frequests%3Fstate%3Ddenied"
        )
        shown(nobody.post("/requests", account_id=ASKING), 401)
