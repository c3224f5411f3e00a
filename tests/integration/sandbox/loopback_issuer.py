"""An OpenID Connect issuer on a loopback port: it serves whatever documents a test gives it."""

import json
import socket
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

DISCOVERY = "/.well-known/openid-configuration"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one path answers; with `gate`, only once that event is set."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    gate: threading.Event | None = None


NOT_FOUND = Answer(status=404)


@dataclass
class LoopbackIssuers:
    """One server, any number of issuers on it, each under a path of its own."""

    answers: dict[str, Answer] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    connections: set[socket.socket] = field(default_factory=set)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self.connections):
            with suppress(OSError):  # the client may have closed it already
                connection.shutdown(socket.SHUT_RDWR)

    def publish(self, name: str, keys: Sequence[Mapping[str, Any]], **discovery: Any) -> str:
        """Publish an issuer's two documents and return its URL; `discovery` overrides members."""
        issuer = f"{self.origin}/{name}"
        jwks_path = f"/{name.rstrip('/')}/jwks.json"
        document = {"issuer": issuer, "jwks_uri": self.origin + jwks_path, **discovery}
        self.answers[f"/{name.rstrip('/')}{DISCOVERY}"] = _json(document)
        self.answers[jwks_path] = _json({"keys": list(keys)})
        return issuer

    def withdraw(self, name: str) -> None:
        """Answer 404 for both documents from now on."""
        for path in [path for path in self.answers if path.startswith(f"/{name}/")]:
            del self.answers[path]


def _json(document: object) -> Answer:
    return Answer(body=json.dumps(document).encode())


def _handler(issuers: LoopbackIssuers) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def setup(self) -> None:
            super().setup()
            issuers.connections.add(self.connection)

        def finish(self) -> None:
            issuers.connections.discard(self.connection)
            super().finish()

        def do_GET(self) -> None:
            issuers.fetched.append(self.path)
            answer = issuers.answers.get(self.path, NOT_FOUND)
            if answer.gate is not None:
                answer.gate.wait()
            headers = {"Cache-Control": "no-cache", "Content-Type": "application/json"}
            self.send_response(answer.status)
            for name, value in {**headers, **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Keep the test's output free of access lines."""

    return Handler
