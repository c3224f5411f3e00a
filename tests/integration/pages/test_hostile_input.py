"""What others put into addresses and fields: no page breaks of it, nor says what they would have
it say."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from tests.integration.api.world import ACCOUNT, ASKING
from tests.integration.pages.document import Document
from tests.integration.pages.world import Site, Visitor

MARKUP = """"'></p><b id="hostile">{{7*7}}</b>&amp;"""


def raw(visitor: Visitor, path: str, query: str) -> tuple[int, str | None]:
    """Status and Location of an address as no client of ours can send it, byte by byte."""
    transport: Any = visitor.http._transport
    cookies = "; ".join(f"{each.name}={each.value}" for each in visitor.http.cookies.jar)
    environ = EnvironBuilder(path="/", headers={"Cookie": cookies}).get_environ()
    environ |= {"PATH_INFO": path, "QUERY_STRING": query, "REMOTE_ADDR": "192.0.2.77"}
    _, status, headers = run_wsgi_app(transport.app, environ, buffered=True)
    return int(status.split()[0]), headers.get("Location")


@pytest.mark.parametrize("path", ["/overview", "/accounts", "/tickets/T-1", "/", "/approvals/x"])
@pytest.mark.parametrize("query", ["\xff", "done=\xff"])
def test_an_address_that_is_not_utf_8_is_nobodys_failure_but_its_own(
    site: Site, path: str, query: str
) -> None:
    """A stranger must not be able to fill the operator's log with traces."""
    status, location = raw(site.stranger(), path, query)
    assert status == (200 if path == "/" else 303)
    assert location in (None, f"/sign-in?return_to={path.replace('/', '%2F')}")
    assert raw(site.visitor("ruth"), path, query)[0] < 500


@pytest.mark.parametrize("from_where", ["cross-site", "same-site", "none"])
def test_a_link_from_elsewhere_does_not_say_that_something_was_done(
    site: Site, from_where: str
) -> None:
    """Somebody is told that they have revoked, who has revoked nothing."""
    path = f"/requests/{site.asked('ann', 'HOSTILE-1')}"
    carl = site.visitor("carl")
    told = "Revoked, with every session under it."
    followed = carl.http.get(f"{path}?done=grant-revoked", headers={"Sec-Fetch-Site": from_where})
    assert followed.status_code == 200
    assert told not in followed.text
    led = carl.http.get(f"{path}?done=grant-revoked", headers={"Sec-Fetch-Site": "same-origin"})
    assert told in led.text


@pytest.mark.parametrize(
    "purpose", ["prefetch", "prefetch;prerender", "prefetch;anonymous-client-ip"]
)
def test_a_browser_that_looks_ahead_looks_at_nothing(site: Site, purpose: str) -> None:
    """Neither is AWS asked, nor does the ledger say that somebody looked who did not."""
    session_id = site.opened("ann", "HOSTILE-4")
    path = f"/sessions/{session_id}/activity"
    entries = len(site.ledger(ACCOUNT))
    for name, where in (("ann", path), ("ruth", f"/accounts/{ACCOUNT}/plan")):
        ahead = site.visitor(name).http.get(where, headers={"Sec-Purpose": purpose})
        assert (ahead.status_code, ahead.text) == (503, "")
    assert len(site.ledger(ACCOUNT)) == entries
    site.visitor("ann").page(path)
    assert len(site.ledger(ACCOUNT)) > entries


def test_words_of_others_are_words_on_every_page(site: Site) -> None:
    """A ticket's subject, reasons, what is searched for: shown as they are, and never as markup."""
    site.world.write_ticket("HOSTILE-2", ACCOUNT, ASKING, subject=MARKUP)
    grant_id = site.asked("ann", "HOSTILE-3", reason=MARKUP)
    site.visitor("carl").done(f"/requests/{grant_id}/denial", reason=MARKUP)
    for name, path, times in (
        ("ann", "/tickets/HOSTILE-2", 1),
        ("carl", f"/requests/{grant_id}", 2),
        ("carl", "/requests", 1),
        ("carl", f"/accounts/{ASKING}/ledger", 1),
        ("ruth", "/search?q=HOSTILE-2", 1),
    ):
        page: Document = site.visitor(name).page(path)
        assert page.html.count("{{7*7}}") >= times, path
        assert "hostile" not in [given.get("id") for _, given in page.tags], path
    searched = site.visitor("ruth").page("/search", q=MARKUP)
    assert "hostile" not in [given.get("id") for _, given in searched.tags]
    wrong = site.visitor("ann").post("/requests", **{MARKUP: MARKUP, "account_id": MARKUP})
    assert wrong.status_code == 400
    assert "hostile" not in [given.get("id") for _, given in Document(wrong.text).tags]
