"""The end of a browser's way back: one page on this machine, for one answer (RFC 8252)."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from broker.cli.loopback.server import LoopbackHandler, LoopbackServer, same

PATH = "/callback"

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1><p>{sentence}</p></body></html>
"""
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """What a browser brings back under the right state."""

    code: str | None = field(repr=False)
    error: str | None
    issuer: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """What the browser shows then."""

    title: str
    sentence: str
    status: HTTPStatus = HTTPStatus.OK


@dataclass(frozen=True, slots=True)
class _Expected:
    state: str = field(repr=False)
    answer: Callable[[Callback], Page]


class CallbackServer(LoopbackServer):
    """Waits for the one request that carries the right state.

    Whatever else comes is refused and changes nothing: any page in the browser, and any user of
    this machine, can send something here.
    """

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.answered = threading.Event()
        self._expected: _Expected | None = None
        self._taking = threading.Lock()

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends the browser. The port is whichever was free."""
        return f"http://{self.name}{PATH}"

    @contextmanager
    def expecting(self, state: str, answer: Callable[[Callback], Page]) -> Iterator[None]:
        """Answer requests for as long as the block lasts.

        `answer` is called once, with what comes under the right state, and says what the browser
        shows then. It is known before anybody is sent to the provider: a browser may be back
        before the program that opened it returns.
        """
        with self._taking:
            self._expected = _Expected(state, answer)
        with self.listening():
            yield

    def wait(self, seconds: float) -> bool:
        """Whether the browser has come back, in time."""
        return self.answered.wait(seconds)

    def take(self, state: str) -> _Expected | None:
        """What is expected, if this is the state; nobody gets it a second time."""
        with self._taking:
            expected = self._expected
            if expected is None or not same(state, expected.state):
                return None
            self._expected = None
            return expected


class _Handler(LoopbackHandler):
    server: CallbackServer

    def get(self) -> None:
        """The browser's return, or something else."""
        url = urlsplit(self.path)
        if not self.names_us or url.path != PATH:
            self._show(Page("Not found", "Nothing is here.", HTTPStatus.NOT_FOUND))
            return
        if not self.is_of_this_user:
            # The state stood in the browser's arguments, which every user here can read.
            sentence = "Another user of this machine has begun this sign-in."
            self._show(Page("Not your sign-in", sentence, HTTPStatus.FORBIDDEN))
            return
        given = parse_qs(url.query, keep_blank_values=True, max_num_fields=20)
        expected = self.server.take(_once(given, "state") or "")
        if expected is None:
            sentence = "This is not the sign-in that was begun in the terminal. Begin anew there."
            self._show(Page("Not your sign-in", sentence, HTTPStatus.BAD_REQUEST))
            return
        callback = Callback(
            code=_once(given, "code"), error=_once(given, "error"), issuer=_once(given, "iss")
        )
        try:
            self._show(expected.answer(callback))
        finally:
            self.server.answered.set()

    def _show(self, page: Page) -> None:
        title, sentence = html.escape(page.title), html.escape(page.sentence)
        self.reply(page.status, _HEADERS, _PAGE.format(title=title, sentence=sentence).encode())


def _once(given: dict[str, list[str]], name: str) -> str | None:
    """The parameter, where it is there exactly once (RFC 6749, section 3.1)."""
    values = given.get(name, [])
    return values[0] if len(values) == 1 else None
