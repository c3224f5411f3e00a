"""People at their browsers: each has a context of their own, as on a machine of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, Page, Response

from tests.browser.chromium import Watch
from tests.browser.exhibits import Exhibits
from tests.browser.office import Office
from tests.browser.pages import Sight

COOKIE = "broker-session"
PATIENCE_MS = 30_000
"""How long a page may take; machines that run tests are slow."""


@dataclass(frozen=True)
class Sighted:
    """A page, and the answer of which it was made."""

    page: Page
    answer: Response


@dataclass(frozen=True)
class Visitors:
    """Opens pages of the office's broker, all of them under one watch."""

    browser: Browser
    office: Office
    watch: Watch
    stack: ExitStack

    def anybody(self, **options: Any) -> Page:
        """An empty page of somebody who is not signed in; `options` are those of a context."""
        context = self.browser.new_context(**options)
        self.stack.callback(context.close)
        context.set_default_timeout(PATIENCE_MS)
        self.watch.over(context)
        return context.new_page()

    def signed_in(self, login: str, *, at: str = "/", **options: Any) -> Page:
        """The page at `at`, or where that leads, after a sign-in at the provider."""
        page = self.anybody(**options)
        page.goto(f"{self.office.url}/sign-in?return_to={quote(at, safe='')}")
        pass_provider(page, login)
        page.wait_for_url(f"{self.office.url}/**")
        return page

    def known(self, login: str | None, *, at: str = "/", **options: Any) -> Page:
        """The page at `at` for somebody who has signed in before, in whatever test; or nobody."""
        page = self.anybody(**options)
        if login is not None:
            self.recognise(page, login)
        page.goto(self.office.url + at)
        return page

    def recognise(self, page: Page, login: str) -> None:
        """Let the broker take whoever uses `page` for a person who has signed in before."""
        page.context.add_cookies([self._cookie(login)])

    def at(self, sight: Sight, exhibits: Exhibits, **options: Any) -> Sighted:
        """The page of `sight`, as the person whom it is for gets to see it."""
        if sight.status != HTTPStatus.OK:
            self.watch.expect(f"status of {sight.status}")
        page = self.anybody(**options)
        answers: list[Response] = []
        page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - needs attributes
        if sight.login is not None:
            self.recognise(page, sight.login)
        page.goto(sight.url(self.office, exhibits))
        if sight.steps is not None:
            sight.steps(page)
        answer = [each for each in answers if each.request.is_navigation_request()][-1]
        assert answer.status == sight.status, page.locator("main").inner_text()
        return Sighted(page, answer)

    def _cookie(self, login: str) -> Any:
        """The broker's; the provider has cookies of its own for the same host."""
        if login not in self.office.cookies:
            page = self.signed_in(login)
            kept = page.context.cookies(self.office.url)
            (own,) = [each for each in kept if each.get("name") == COOKIE]
            self.office.cookies[login] = own
            page.context.close()
        return self.office.cookies[login]


def pass_provider(page: Page, login: str) -> None:
    """Fill in the provider's two pages: who it is, and that the broker may know."""
    page.fill("input[name=login]", login)
    page.fill("input[name=password]", "anything")
    page.click("button[type=submit]")
    page.locator("input[name=prompt][value=consent]").wait_for(state="attached")
    page.click("button[type=submit]")


@contextmanager
def visitors(browser: Browser, office: Office) -> Iterator[Visitors]:
    """Visitors whose browsers are closed at the end; fails if the watch has noted anything."""
    watch = office.watch()
    with ExitStack() as stack:
        yield Visitors(browser, office, watch, stack)
    assert watch.troubles == [], "\n".join(watch.troubles)
