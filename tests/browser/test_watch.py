"""What the other tests rely on: a real browser is there, and its watch misses nothing."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.axe import grave_findings
from tests.browser.exhibits import Exhibits
from tests.browser.office import Office
from tests.browser.people import HARBOUR, subject
from tests.browser.visitors import Visitors, visitors

POLICY = "default-src 'none'; style-src 'self'"


@pytest.mark.parametrize(
    ("page", "trouble"),
    [
        ("<h1 style='color: red'>x</h1>", "content security policy violated style-src-attr"),
        ("<script>1</script>", "content security policy violated script-src-elem"),
        ("<img alt='x' src='http://elsewhere.example/x.png'>", "img-src"),
        ("<p><a href='http://elsewhere.example/'>x</a>", "a request left for http://elsewhere"),
    ],
)
def test_the_watch_notes_what_a_page_may_not_do(
    chromium: Browser, office: Office, page: str, trouble: str
) -> None:
    """Inline style and script, pictures from elsewhere, and leaving for another host."""
    with pytest.raises(AssertionError, match=trouble):
        _visit(chromium, office, page)


def _visit(chromium: Browser, office: Office, page: str) -> None:
    with visitors(chromium, office) as watched:
        tab = watched.anybody()
        tab.route(
            f"{office.url}/spoilt",
            lambda route: route.fulfill(
                body=f"<!doctype html><title>x</title>{page}",
                headers={"Content-Type": "text/html", "Content-Security-Policy": POLICY},
            ),
        )
        tab.goto(f"{office.url}/spoilt")
        for link in tab.locator("a").all():
            link.click()
            tab.wait_for_url("chrome-error://**")


def test_the_watch_notes_what_a_script_throws(chromium: Browser, office: Office) -> None:
    """An error that no script catches."""
    with pytest.raises(AssertionError, match="uncaught"):
        _throw(chromium, office)


def _throw(chromium: Browser, office: Office) -> None:
    with visitors(chromium, office) as watched:
        tab = watched.anybody()
        with tab.expect_event("pageerror"):
            tab.evaluate("setTimeout(() => { throw new Error('spoilt') })")


def test_axe_finds_what_is_wrong_with_a_page(people: Visitors) -> None:
    """A field without a label, and grey words on white."""
    page = people.anybody(bypass_csp=True)
    page.set_content(
        "<!doctype html><html lang=en><title>x</title><main><h1>x</h1>"
        "<input><p style='color: #ccc; background: #fff'>words</p></main>"
    )
    rules = {finding.partition(":")[0] for finding in grave_findings(page)}
    assert rules == {"label", "color-contrast"}


def test_somebody_signs_in_at_the_provider(people: Visitors, exhibits: Exhibits) -> None:
    """Through the provider's own pages, in the browser, and back to where they were going."""
    page = people.signed_in("carl", at=exhibits.link(people.office, "carl"))
    expect(page.locator("main")).to_contain_text(HARBOUR)
    expect(page.locator("header")).to_contain_text(subject("carl"))
