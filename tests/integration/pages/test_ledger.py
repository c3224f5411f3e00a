"""The ledger as a time line: newest first, in words, part by part, and how to check it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from broker.cli.ledger.verify import verify
from broker.domain.ledger.sentences import spoken
from broker.domain.ledger.words import UNKNOWN, WORDS
from tests.integration.api.world import ACCOUNT, ASKING, NOWHERE, OTHER, UNREADY
from tests.integration.pages.document import Document
from tests.integration.pages.world import Site, faults, shown, subject

LEDGER = f"/accounts/{ASKING}/ledger"


def numbers(page: Document) -> list[int]:
    """The numbers of the entries that the page shows, in its order."""
    return [int(each) for each in re.findall(r"<summary>Entry (\d+) ", page.html)]


def test_the_newest_entries_come_first(site: Site) -> None:
    """With time, words, reason, number, the beginning of its hash, and all of it folded away."""
    site.asked("ann", "LED-1", reason="See why the queue is full")
    page = site.visitor("carl").page(LEDGER)
    newest = site.ledger(ASKING)[-1]
    assert numbers(page) == sorted(numbers(page), reverse=True)
    assert numbers(page)[0] == newest.seq
    assert f"{subject('ann')} asked to read the account for ticket LED-1" in page.text
    for words in ("Reason: See why the queue is full", newest.hash, newest.previous_hash):
        assert words in page.text


def test_every_entry_is_reached_once(site: Site) -> None:
    """From the newest to the first, part by part."""
    for number in range(60):
        site.asked("gus", f"MANY-{number}")
    visitor, seen, path = site.visitor("otto"), [], LEDGER
    while path:
        page = visitor.page(path)
        seen += numbers(page)
        path = next((each.address for each in page.links if each.label == "Show more"), "")
    assert seen == [entry.seq for entry in reversed(site.ledger(ASKING))]


def test_a_ticket_and_an_engineer_can_be_looked_for(site: Site) -> None:
    """Old entries are found however much follows them, and nothing else is shown."""
    site.asked("bree", "NEEDLE-1")
    for number in range(60):
        site.asked("gus", f"HAY-{number}")
    visitor = site.visitor("carl")
    of_ticket = visitor.page(LEDGER, ticket="NEEDLE-1")
    assert len(numbers(of_ticket)) == 1
    assert "NEEDLE-1" in of_ticket.text
    of_bree = visitor.page(LEDGER, engineer=subject("bree"))
    assert "HAY-1" not in of_bree.text
    assert "NEEDLE-1" in of_bree.text
    assert "There is no such entry" in visitor.page(LEDGER, ticket="NO-SUCH").text
    assert faults(visitor.get(LEDGER, ticket="no ticket")) == {"ticket"}
    assert faults(visitor.get(LEDGER, cursor="x")) == {"cursor"}


def test_one_session_from_the_request_to_its_end(site: Site) -> None:
    """Ticket, approver, session and revocation in their order; other sessions stay out."""
    grant_id = site.asked("ann", "STORY-1")
    carl = site.visitor("carl")
    carl.done(f"/requests/{grant_id}/approval", reason="Please do")
    other = site.opened("ann", "STORY-1", ASKING)
    session_id = site.opened("ann", "STORY-1", ASKING)
    carl.done(f"/sessions/{session_id}/revocation")
    page = carl.page(LEDGER, session=session_id)
    told = [
        f"{subject('ann')} asked to read",
        f"{subject('carl')} approved {subject('ann')}'s request for ticket STORY-1",
        "Please do",
        f"{subject('ann')} is let in",
        f"{subject('ann')} got credentials",
        "was ended",
        "The account denies the ended session",
    ]
    places = [page.text.index(words) for words in told]
    assert places == sorted(places)
    assert other not in page.text
    assert f"/sessions/{session_id}/activity" in page.addresses
    shown(site.visitor("nora").get(f"/accounts/{OTHER}/ledger", session=session_id), 404)
    shown(carl.get(LEDGER, session="s-" + 20 * "0"), 404)


def test_the_head_is_signed_on_request(site: Site) -> None:
    """By those who may, with a notice."""
    path = f"/accounts/{ACCOUNT}/ledger"
    assert site.visitor("carl").done(f"{path}/checkpoint") == f"{path}?done=signed"
    page = site.visitor("carl").page(f"{path}?done=signed")
    assert "The head of the ledger is signed." in page.text
    assert "The ledger was signed up to entry" in page.text
    answer = site.visitor("carl").without_token(f"{path}/checkpoint")
    assert "csrf_failed" in shown(answer, 403).text


def test_what_the_page_tells_verifies(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link gives the file to the cookie, and the command as it is written checks it."""
    monkeypatch.chdir(tmp_path)
    carl, path = site.visitor("carl"), f"/accounts/{ACCOUNT}/ledger"
    carl.done(f"{path}/checkpoint")
    page = carl.page(path)
    link = page.link("Export")
    file = Path(link.attributes["download"])
    file.write_bytes(carl.get(link.address).raise_for_status().content)
    (command,) = re.findall(r"broker ledger verify ([^<]+)<", page.html)
    checked = CliRunner().invoke(verify, command.split())
    assert checked.exit_code == 0, checked.output
    assert f"broker ledger export --account {ACCOUNT} --sign --out {file}" in page.text


@pytest.mark.parametrize("name", ["ann", "paul", "cora", "nora", "eve", "rita"])
def test_who_may_not_read_it(site: Site, name: str) -> None:
    """Refused, and not a line is shown; signing neither."""
    before = len(site.ledger(ACCOUNT))
    for answer in (
        site.visitor(name).get(f"/accounts/{ACCOUNT}/ledger"),
        site.visitor(name).post(f"/accounts/{ACCOUNT}/ledger/checkpoint"),
    ):
        assert numbers(shown(answer, 403)) == []
    assert len(site.ledger(ACCOUNT)) == before


def test_a_ledger_that_is_not_there(site: Site) -> None:
    """Not found."""
    shown(site.visitor("otto").get(f"/accounts/{NOWHERE}/ledger"), 404)


def test_all_that_was_written_has_words(site: Site) -> None:
    """No sentence lacks a value, and each outcome that really occurs has a sentence of its own."""
    site.visitor("otto").page(f"/accounts/{UNREADY}/ledger")
    chains = (None, ACCOUNT, OTHER, ASKING, UNREADY)
    entries = [entry for chain in chains for entry in site.ledger(chain)]
    assert len({entry.action for entry in entries}) > 10
    for entry in entries:
        assert entry.outcome in WORDS[entry.action], (entry.action, entry.outcome)
        assert UNKNOWN not in spoken(entry).sentence, entry


def test_reasons_in_the_ledger_are_text(site: Site) -> None:
    """Whatever somebody gave as theirs."""
    hostile = "</p><script>alert(2)</script>"
    site.asked("ann", "LED-2", reason=hostile)
    answer = site.visitor("carl").get(LEDGER)
    assert "<script>alert" not in answer.text
    assert hostile in shown(answer).text
