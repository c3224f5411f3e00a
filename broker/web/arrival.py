"""What has come in on one connection: the bytes, and whether they are a whole request yet.

The thread that polls all connections asks this, so that no other thread is taken by a request that
is still under way. It only says when; what the request is, gunicorn's parser finds out afterwards
from the same bytes, and never waits for more.
"""

from __future__ import annotations

from typing import Self

from gunicorn.http.errors import LimitRequestHeaders, NoMoreData
from gunicorn_h1c import H1CProtocol  # type: ignore[import-untyped]

from broker.web import hooks

LONGEST_HEAD = 64 * 1024
"""Bytes of request line and headers together."""
LONGEST_REQUEST = LONGEST_HEAD + hooks.MAX_BODY + LONGEST_HEAD
"""Bytes that are kept of one request: head, body, and the framing of a chunked one."""
_PIECE = 8192
_CONTINUE = b"100-continue"


class Arrival:
    """Fed by the polling thread; then an iterator of the bytes, for gunicorn's parser."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._behind: int | None = 0
        self.begin(b"")

    def begin(self, read_ahead: bytes) -> bool:
        """Start upon another request; the parser had already taken the beginning of it.

        False if the parser did not find the end of the last one where we found it: then nobody
        can say what the rest is, and the connection must end.
        """
        self._received[:0] = read_ahead
        in_step = len(self._received) == self._behind
        self._behind = None
        self._unheard = bytes(self._received)
        self._head_ended = False
        self._go_ahead = False
        self._protocol = H1CProtocol(
            on_headers_complete=self._end_head,
            # Those of gunicorn_conf, as far as it matters here: the rest is gunicorn's parser's.
            limit_request_line=_PIECE,
            limit_request_field_size=LONGEST_HEAD,
            limit_remaining=LONGEST_REQUEST,
        )
        return in_step

    @property
    def has_begun(self) -> bool:
        """Whether anything of a request is there."""
        return bool(self._received)

    def receive(self, piece: bytes) -> bool:
        """Whether there is now enough to answer: all of a request, or too much, or nonsense."""
        self._received += piece
        fed, self._unheard = self._unheard + piece, b""
        try:
            self._protocol.feed(fed)
        except ValueError:  # the parent of everything that it raises, and all that they share
            return True
        if self._protocol.is_complete:
            self._behind = len(self._protocol.remaining())
            return True
        return self._is_too_long() or self._expects_the_impossible()

    def take_go_ahead(self) -> bool:
        """Whether the client waits for `100 Continue`; says so once."""
        waits, self._go_ahead = self._go_ahead, False
        return waits

    def _end_head(self) -> None:
        self._head_ended = True
        expectation = self._expectation()
        self._go_ahead = expectation == _CONTINUE and self._protocol.http_version >= (1, 1)

    def _expectation(self) -> bytes | None:
        value: bytes | None = self._protocol.get_header(b"expect")
        return value.lower() if value is not None else None

    def _expects_the_impossible(self) -> bool:
        return self._head_ended and self._expectation() not in (None, _CONTINUE)

    def _is_too_long(self) -> bool:
        if not self._head_ended:
            return len(self._received) > LONGEST_HEAD
        announced = self._protocol.content_length or 0
        return announced > hooks.MAX_BODY or len(self._received) > LONGEST_REQUEST

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        """The next piece for the parser. A request that is not whole is never waited for."""
        if not self._received:
            self._behind = None
            raise NoMoreData if self._head_ended else LimitRequestHeaders("too long in all")
        piece = bytes(self._received[:_PIECE])
        del self._received[:_PIECE]
        return piece
