"""Every page, for whoever has business there: it is whole, usable by everybody, and harmless."""

from __future__ import annotations

from unittest.mock import MagicMock

import pytest
from flask import Flask
from playwright.sync_api import Page

from broker.web.application import create_app
from broker.web.metrics import Metrics
from broker.wiring import Services
from tests.browser.axe import grave_findings
from tests.browser.exhibits import Exhibits
from tests.browser.pages import LOOKS, NO_PAGES, SIGHTS, Sight
from tests.browser.visitors import Visitors

PHONE = 360
UNLABELLED = """
[...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
  .filter((field) => !field.labels.length && !field.ariaLabel).map((field) => field.outerHTML)
"""
TOO_WIDE = """
[...document.querySelectorAll("main *")].filter((each) => {
  const scrolled = each.closest(".table-wrap, pre");
  return (!scrolled || scrolled === each) && each.getBoundingClientRect().right > innerWidth + 1;
}).map((each) => each.outerHTML.slice(0, 120))
"""

every_sight = pytest.mark.parametrize("sight", SIGHTS, ids=lambda sight: sight.name)


def test_every_page_is_looked_at() -> None:
    """A page without an entry among the sights fails this."""
    services = MagicMock(spec=Services)
    services.trusted_proxies = 0
    flask = create_app(services, Metrics())._behind
    assert isinstance(flask, Flask)
    read = {
        rule.rule
        for rule in flask.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.rule.startswith("/v1/")
    }
    assert read == {sight.route for sight in SIGHTS} | set(NO_PAGES)


@every_sight
def test_a_page_is_whole(people: Visitors, exhibits: Exhibits, sight: Sight) -> None:
    """It has a title, one heading of the first rank, a language, and a label for each field.

    The browser finds nothing that its policy forbids, and keeps nothing of it.
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


@every_sight
def test_a_page_fits_on_a_phone(people: Visitors, exhibits: Exhibits, sight: Sight) -> None:
    """Nothing is wider than the screen, so nobody scrolls sideways, not even at 360 pixels."""
    page = people.at(sight, exhibits, viewport={"width": PHONE, "height": 740}).page
    assert page.evaluate(TOO_WIDE) == []
    assert _scrolled_width(page) <= PHONE


def _scrolled_width(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth"))


@every_sight
def test_axe_finds_nothing_grave(people: Visitors, exhibits: Exhibits, sight: Sight) -> None:
    """Neither in the light nor in the dark nor on a phone."""
    page = people.at(sight, exhibits, bypass_csp=True, reduced_motion="reduce").page
    for look in LOOKS:
        page.emulate_media(color_scheme=look.color_scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": look.width, "height": look.height})
        assert grave_findings(page) == [], look.name
