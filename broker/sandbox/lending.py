"""HTTP connections that many threads share without ever holding the same one."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

KEPT = 32
"""Idle connections that wait for another request; the others are closed after theirs."""


class LendingTransport(httpx.BaseTransport):
    """For an `httpx.Client` of many threads: each request borrows a transport of its own.

    In the pool that such a client has by itself, any thread closes idle connections whose time is
    over, even one that another thread has chosen and not begun to use: that thread's request then
    fails with EBADF. Here a connection is chosen, found expired and closed by its borrower alone.
    """

    def __init__(self, *, keepalive_expiry: float = 5.0) -> None:
        """Connections are not used again after so many seconds without a request."""
        self._limits = httpx.Limits(max_connections=1, keepalive_expiry=keepalive_expiry)
        # Making one takes longer than a request on loopback, and all may use the same.
        self._tls = httpx.create_ssl_context(trust_env=False)
        # Appending to a list and popping from it are each atomic.
        self._idle: list[httpx.HTTPTransport] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer; its stream gives the transport back when it is closed."""
        transport = self._borrowed()
        try:
            response = transport.handle_request(request)
        except BaseException:
            transport.close()
            raise
        stream = response.stream
        assert isinstance(stream, httpx.SyncByteStream)  # noqa: S101 - it is a synchronous client
        response.stream = _Lent(stream, transport, self)
        return response

    def _borrowed(self) -> httpx.HTTPTransport:
        try:
            # The one that was used last is the least likely to have expired.
            return self._idle.pop()
        except IndexError:
            return httpx.HTTPTransport(verify=self._tls, trust_env=False, limits=self._limits)

    def take_back(self, transport: httpx.HTTPTransport) -> None:
        """Nobody uses this transport any more."""
        if len(self._idle) < KEPT:
            self._idle.append(transport)
        else:
            transport.close()

    def close(self) -> None:
        """Close every connection that is not in use."""
        while self._idle:
            self._idle.pop().close()


class _Lent(httpx.SyncByteStream):
    """An answer's body, as it comes in on a borrowed transport."""

    def __init__(
        self, stream: httpx.SyncByteStream, transport: httpx.HTTPTransport, lender: LendingTransport
    ) -> None:
        self._stream = stream
        self._transport = transport
        self._lender = lender

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        """Called once, by the response."""
        try:
            self._stream.close()
        finally:
            self._lender.take_back(self._transport)
