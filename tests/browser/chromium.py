"""Debian's chromium, and a watch over all that goes wrong in it.

The browser resolves no name, so that nothing leaves this machine, whatever a page asks for.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Request,
    WebError,
    sync_playwright,
)

VIOLATION = "content security policy violated"

_TELL_VIOLATIONS = f"""
document.addEventListener("securitypolicyviolation", (event) => {{
  console.error("{VIOLATION}", event.effectiveDirective, event.blockedURI, event.sourceFile);
}});
"""
"""Some violations are told to nobody but the page; this writes all of them to its console."""

_PLACEHOLDER_SCHEMES = frozenset({"about", "blob", "data"})
"""Of addresses that lead to no server."""


class Scripts(Enum):
    """Whether a browser runs scripts."""

    ON = True
    OFF = False


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """The browser, headless; in its own sandbox wherever it can be in one."""
    path = shutil.which("chromium")
    assert path is not None, "chromium is not installed; `make test` does that"
    arguments = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=arguments,
            # Playwright switches the back/forward cache off, which is what some tests are about.
            ignore_default_args=["--disable-back-forward-cache"],
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watch:
    """Notes what no page may do: errors, violations of its policy, calls to other hosts.

    `hosts` are those that pages may lead to, as `host:port`. What stands at the pages of the
    provider and of AWS is their affair: npm's provider asks for a font elsewhere.
    """

    hosts: frozenset[str]
    provider: str
    aws: str | None = None
    troubles: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    """Every request, as `GET http://…`."""

    _asked_by_provider: set[str] = field(default_factory=set)

    def over(self, context: BrowserContext) -> None:
        """Watch every page of `context` from now on."""
        context.add_init_script(_TELL_VIOLATIONS)
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)

    def expect(self, words: str) -> None:
        """Let pass what the console says with these words, as of an address refused on purpose."""
        self.expected.append(words)

    def _console(self, message: ConsoleMessage) -> None:
        place = message.location["url"]
        if message.type not in {"error", "warning"} or self._is_of_others(place):
            return
        if not any(words in message.text for words in self.expected):
            self.troubles.append(f"{message.type} at {place}: {message.text}")

    def _is_of_others(self, url: str) -> bool:
        others = tuple(each for each in (self.provider, self.aws) if each is not None)
        return url.startswith(others) or url in self._asked_by_provider

    def _error(self, error: WebError) -> None:
        self.troubles.append(f"uncaught: {error.error}")

    def _request(self, request: Request) -> None:
        self.sent.append(f"{request.method} {request.url}")
        if request.headers.get("referer", "").startswith(self.provider):
            self._asked_by_provider.add(request.url)
        elif not self._is_ours(request.url):
            self.troubles.append(f"a request left for {request.url}")

    def _is_ours(self, url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme in _PLACEHOLDER_SCHEMES or parts.netloc in self.hosts
