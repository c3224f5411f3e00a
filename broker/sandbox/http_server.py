"""HTTP/1.1 with kept connections for a WSGI application that reads each body and answers whole.

Werkzeug's own server closes every connection and waits 10 ms at its end, which is most of the
time that a call to the sandbox would take.
"""

from __future__ import annotations

from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server


class Handler(MotoRequestHandler):
    """Silent, since tests read our output."""

    protocol_version = "HTTP/1.1"
    # Head and body may leave in two writes: Nagle's algorithm would hold the second for 40 ms.
    disable_nagle_algorithm = True
    wbufsize = -1

    def run_wsgi(self) -> None:
        """One request. The application must have read the body whole."""
        environ = self.make_environ()
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> None:
            started[:] = [status, headers]

        app: Any = self.server.app
        body = b"".join(app(environ, start_response))
        status, headers = started
        code, _, phrase = status.partition(" ")
        self.send_response(int(code), phrase)
        for name, value in headers:
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        del code, size


def listen(host: str, port: int, app: Any) -> BaseWSGIServer:
    """A server with a thread for each connection; port 0 takes any free one."""
    return make_server(host, port, app, threaded=True, request_handler=Handler)
