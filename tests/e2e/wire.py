"""A wire between the broker and the sandbox that keeps what goes over it, both ways.

The broker never hands out an identity token, so a test that wants to see one listens here.
"""

from __future__ import annotations

import json
import re
import socket
import socketserver
import threading
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import unquote

_CHUNK = 65536
_IDENTITY_TOKEN = re.compile(rb"(?:^|[&\n])WebIdentityToken=([^&\s]+)")
_CREDENTIALS = re.compile(rb"<Credentials>.*?</Credentials>", re.DOTALL)


@dataclass(frozen=True)
class _Interruption:
    """What is to be done when an answer comes to a request whose form holds this."""

    form: bytes
    then: Callable[[], None]
    done: threading.Event = field(default_factory=threading.Event)


class RecordingWire:
    """Listens on a loopback port and passes everything on to another. A context manager."""

    def __init__(self, *, to_port: int) -> None:
        self._to = ("127.0.0.1", to_port)
        self._sent: list[bytearray] = []
        self._answered: list[bytearray] = []
        self._sockets: list[socket.socket] = []
        self._interruption: _Interruption | None = None
        self._server = _server(self._carry)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        """Where the broker must believe that AWS is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def interrupt(self, action: str, then: Callable[[], None]) -> threading.Event:
        """Call `then` once, when AWS has done `action` and before the broker learns of it.

        It is called in another thread; the event says when it has returned.
        """
        self._interruption = _Interruption(f"Action={action}&".encode(), then)
        return self._interruption.done

    def identity_token(self, jti: str) -> str:
        """The identity token of this id, as the broker sent it to AWS."""
        for sent in tuple(self._sent):
            for encoded in _IDENTITY_TOKEN.findall(bytes(sent)):
                token = unquote(encoded.decode("ascii"))
                if _claims(token)["jti"] == jti:
                    return token
        raise AssertionError("no identity token with this id was sent")

    def credentials_element(self, access_key_id: str) -> str:
        """The `Credentials` element in which AWS gave this access key, as it came."""
        for element in self._credentials_elements():
            if access_key_id in element:
                return element
        raise AssertionError("AWS never gave this access key")

    def _credentials_elements(self) -> Iterator[str]:
        for answered in tuple(self._answered):
            for element in _CREDENTIALS.findall(bytes(answered)):
                yield element.decode("utf-8")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        for end in tuple(self._sockets):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._server.server_close()

    def _carry(self, broker: socket.socket) -> None:
        """Carry one connection until both ends are done with it."""
        sent, answered = bytearray(), bytearray()
        self._sent.append(sent)
        self._answered.append(answered)
        try:
            aws = socket.create_connection(self._to, timeout=30)
        except ConnectionRefusedError:
            return  # The sandbox is gone; the broker finds its connection closed.
        with aws:
            aws.settimeout(None)
            self._sockets += [broker, aws]
            passing = (aws, broker, answered, lambda: self._interrupt(sent))
            back = threading.Thread(target=_pump, args=passing)
            back.start()
            _pump(broker, aws, sent, lambda: None)
            back.join()

    def _interrupt(self, sent: bytearray) -> None:
        awaited = self._interruption
        if awaited is not None and awaited.form in sent:
            self._interruption = None
            awaited.then()
            awaited.done.set()


def _claims(token: str) -> Mapping[str, object]:
    payload = token.split(".")[1]
    claims: Mapping[str, object] = json.loads(
        urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return claims


def _pump(
    source: socket.socket,
    sink: socket.socket,
    kept: bytearray,
    before: Callable[[], None],
) -> None:
    """Pass on until `source` ends. Each piece is kept, then `before` is called, then it goes on."""
    with suppress(OSError):  # An end that vanishes ends the connection, nothing more.
        while chunk := source.recv(_CHUNK):
            kept += chunk
            before()
            sink.sendall(chunk)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _server(carry: Callable[[socket.socket], None]) -> socketserver.ThreadingTCPServer:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            carry(self.request)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        block_on_close = True
        daemon_threads = False

    return Server(("127.0.0.1", 0), Handler)
