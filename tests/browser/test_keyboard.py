"""Without a mouse: the main work by keyboard alone, with the focus in sight at every stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.errands import CUSTOMER, Errands
from tests.browser.visitors import Visitors

_MANY = 120
"""More stops than any page has."""

_STOP = """
(() => {
  const at = document.activeElement;
  const style = getComputedStyle(at);
  const place = at.getBoundingClientRect();
  return {
    name: (at.ariaLabel || at.innerText || at.name || "").replace(/\\s+/g, " ").trim(),
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    in_sight: place.width > 1 && place.bottom > 0 && place.right > 0
      && place.top < innerHeight && place.left < innerWidth,
  };
})()
"""


@dataclass(frozen=True)
class Keyboard:
    """Somebody who has nothing else."""

    page: Page

    def tab_to(self, name: str) -> None:
        """Go from stop to stop until `name` has the focus; each stop on the way must be seen."""
        for _ in range(_MANY):
            self.page.keyboard.press("Tab")
            stop: dict[str, Any] = self.page.evaluate(_STOP)
            assert stop["outlined"], stop
            assert stop["in_sight"], stop
            if stop["name"] == name:
                return
        raise AssertionError(f"No stop is named {name}.")

    def press(self, name: str) -> None:
        """Go there and press it."""
        self.tab_to(name)
        self.page.keyboard.press("Enter")


def test_the_content_is_one_key_away(people: Visitors) -> None:
    """The first stop of a page leads past the navigation, and shows itself."""
    page = people.known("finn", at="/tickets")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_the_main_work_by_keyboard(people: Visitors, errands: Errands) -> None:
    """Request, approve, open a session, copy, revoke: with Tab, Enter and what is typed."""
    ticket = errands.ticket(consent="per_grant")
    finn = people.known("finn", at=f"/tickets/{ticket}", permissions=["clipboard-write"])
    keys = Keyboard(finn)
    keys.tab_to("reason")
    finn.keyboard.type("See why the mill stands still")
    keys.press("Request access")
    expect(finn.get_by_role("status")).to_contain_text("The request is sent.")
    request = finn.url.removeprefix(people.office.url).partition("?")[0]
    _approve(people, request)
    finn.goto(f"{people.office.url}/tickets/{ticket}")
    keys.press("Get credentials")
    expect(finn.get_by_role("heading", level=1)).to_have_text(f"Credentials for {ticket}")
    keys.press("PowerShell")
    keys.press("Copy for PowerShell")
    expect(finn.locator("#announced")).to_have_text("Copied.")
    keys.press("Done: revoke it now")
    expect(finn.get_by_role("status")).to_contain_text("Revoked.")


def _approve(people: Visitors, request: str) -> None:
    cleo = people.known("cleo", at=request)
    keys = Keyboard(cleo)
    keys.tab_to("reason")
    cleo.keyboard.type("As agreed")
    keys.press(f"Approve {request.rpartition('/')[2]}")
    expect(cleo.get_by_role("status")).to_contain_text("Approved.")


def test_credentials_are_two_clicks_from_the_ticket(people: Visitors, errands: Errands) -> None:
    """One from the list of tickets, and as many from the ticket's own page."""
    ticket = errands.ticket(consent="standing")
    clicks: list[str] = []
    page = people.anybody()
    page.context.expose_binding("clicked", lambda _, what: clicks.append(what))
    page.context.add_init_script(
        "addEventListener('click', (event) => clicked(event.target.innerText), true)"
    )
    people.recognise(page, "finn")
    page.goto(f"{people.office.url}/tickets")
    page.get_by_role("link", name=ticket, exact=True).click()
    page.get_by_role("button", name="Get credentials").click()
    expect(page.get_by_label("for bash, zsh, sh", exact=True)).to_contain_text("AWS_SESSION_TOKEN")
    assert clicks == [ticket, "Get credentials"]
    clicks.clear()
    page.goto(f"{people.office.url}/tickets")
    page.get_by_role("button", name=f"Get credentials for {CUSTOMER}, {ticket}").click()
    expect(page.get_by_label("for bash, zsh, sh", exact=True)).to_contain_text("AWS_SESSION_TOKEN")
    assert len(clicks) == 1
