"""Handing a secret URL to the browser of this machine without showing it to anybody else.

Whatever a program is started with can be read by every user of the machine (`ps`). So the browser
is started with an address on loopback, and is led on from there: once, and, where the system says
whose a connection is, only if it is ours.
"""

from __future__ import annotations

import secrets
import threading
from http import HTTPStatus

from broker.cli.loopback.server import LoopbackHandler, LoopbackServer, same


class OneTimeRedirect(LoopbackServer):
    """An address on this machine that leads to a URL, once."""

    def __init__(self, url: str) -> None:
        super().__init__(_Handler)
        self.path = f"/{secrets.token_urlsafe(32)}"
        self.followed = threading.Event()
        self._url: str | None = url
        self._taking = threading.Lock()

    @property
    def address(self) -> str:
        """What the browser is started with."""
        return f"http://{self.name}{self.path}"

    def wait(self, *, seconds: float) -> bool:
        """Whether somebody was led on within that time."""
        return self.followed.wait(seconds)

    def take(self) -> str | None:
        """The URL; nobody gets it a second time."""
        with self._taking:
            url, self._url = self._url, None
            return url


class _Handler(LoopbackHandler):
    server: OneTimeRedirect

    def get(self) -> None:
        """Lead on, or not."""
        if not self.names_us or not same(self.path, self.server.path):
            self._answer(HTTPStatus.NOT_FOUND)
            return
        if not self.is_of_this_user:
            self._answer(HTTPStatus.FORBIDDEN)
            return
        url = self.server.take()
        if url is None:
            self._answer(HTTPStatus.GONE)
            return
        try:
            self._answer(HTTPStatus.SEE_OTHER, location=url)
        finally:
            self.server.followed.set()

    def _answer(self, status: HTTPStatus, *, location: str | None = None) -> None:
        to = {} if location is None else {"Location": location}
        self.reply(status, {**to, "Referrer-Policy": "no-referrer"})
