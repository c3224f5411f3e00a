"""Every page, for whoever has business there: it is whole, usable by everybody, and harmless."""

from __future__ import annotations

import pytest

from tests.browser.axe import grave_findings
from tests.browser.exhibits import Exhibits
from tests.browser.pages import LOOKS, NO_PAGES, SIGHTS, Sight
from tests.browser.routes import routes
from tests.browser.visitors import Visitors

PHONE = 360
UNLABELLED = """
[...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
  .filter((field) => !field.labels.length && !field.ariaLabel).map((field) => field.outerHTML)
"""
TOO_WIDE = """
(() => {
  const scrolls = (each) => ["auto", "scroll"].includes(getComputedStyle(each).overflowX);
  const inside = (each) => each && (scrolls(each) || inside(each.parentElement));
  return [...document.querySelectorAll("body *")].filter(
    (each) => each.getBoundingClientRect().right > innerWidth + 1 && !inside(each.parentElement),
  ).map((each) => each.outerHTML.slice(0, 120));
})()
"""
"""What is wider than the screen, and not within something that scrolls by itself."""

every_sight = pytest.mark.parametrize("sight", SIGHTS, ids=lambda sight: sight.name)


def test_every_page_is_looked_at() -> None:
    """A page without an entry among the sights fails this; and no two share a picture."""
    assert len({sight.name for sight in SIGHTS}) == len(SIGHTS)
    assert routes("GET") == {sight.route for sight in SIGHTS} | set(NO_PAGES)


@every_sight
def test_a_page_is_whole(people: Visitors, exhibits: Exhibits, sight: Sight) -> None:
    """It has a title, one heading of the first rank, a language, and a label for each field.

    The browser finds nothing that its policy forbids, and keeps nothing of it. On a phone nobody
    scrolls sideways.
    """
    sighted = people.at(sight, exhibits)
    page = sighted.page
    assert page.title().endswith(" · Support access")
    assert page.locator("h1").count() == 1
    assert page.locator("h1").inner_text().strip()
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.evaluate(UNLABELLED) == []
    assert sighted.answer.headers["cache-control"] == "no-store"
    policy = sighted.answer.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= set(policy)
    page.set_viewport_size({"width": PHONE, "height": 740})
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE


@every_sight
def test_axe_finds_nothing_grave(people: Visitors, exhibits: Exhibits, sight: Sight) -> None:
    """Neither in the light nor in the dark nor on a phone."""
    page = people.at(sight, exhibits, bypass_csp=True, reduced_motion="reduce").page
    for look in LOOKS:
        page.emulate_media(color_scheme=look.color_scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": look.width, "height": look.height})
        assert grave_findings(page) == [], look.name
