"""The container-credentials protocol on a loopback port, for COMMAND and what it starts.

Source: "Container credential provider" in AWS's SDKs and Tools Reference Guide. Everybody on the
machine can reach the port, so a request needs the authorization that only COMMAND's environment
holds; a page in a browser cannot send it, nor be taken for us by a name that it resolves to
127.0.0.1, for the Host header has to be ours.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from broker.cli.exec.ending import AccessEnded
from broker.cli.exec.supply import NotNow, Supply
from broker.cli.exec.surroundings import Way
from broker.contract.sessions import CredentialsAnswer
from broker.domain.times import rfc3339

_HOST = "127.0.0.1"
_IDLE_SECONDS = 10.0
_MOST_CONNECTIONS = 64


@contextmanager
def serving(supply: Supply) -> Iterator[Way]:
    """Serve what `supply` has, as long as the block lasts; gives the way there."""
    with _Server(supply) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.2,), daemon=True)
        thread.start()
        try:
            yield server.way
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, supply: Supply) -> None:
        super().__init__((_HOST, 0), _Handler)
        self.supply = supply
        self.host = f"{_HOST}:{self.server_port}"
        self.path = f"/{secrets.token_urlsafe(24)}"
        self.way = Way(f"http://{self.host}{self.path}", secrets.token_urlsafe(32))
        self._places = threading.BoundedSemaphore(_MOST_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Past the number of places a connection is closed: others on the machine may crowd in."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection, and give its place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: the terminal is COMMAND's, and a trace could hold what was being sent."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _IDLE_SECONDS

    def do_GET(self) -> None:
        refused = self._refused()
        if refused is not None:
            self._answer(refused, _problem(refused.name, refused.description or refused.phrase))
            return
        try:
            credentials = self.server.supply.credentials()
        except AccessEnded as e:
            self._answer(HTTPStatus.FORBIDDEN, _problem(e.code, f"{e.message} [{e.code}]"))
        except NotNow as e:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            self._answer(status, _problem(e.code, f"{e.message} [{e.code}]"))
        else:
            self._answer(HTTPStatus.OK, _document(credentials))

    def _refused(self) -> HTTPStatus | None:
        """Why the request is none of COMMAND's; None where it is. Nothing tells them apart."""
        if self.headers.get_all("Host") != [self.server.host]:
            return HTTPStatus.MISDIRECTED_REQUEST
        if not _same(self.path, self.server.path):
            return HTTPStatus.NOT_FOUND
        given = self.headers.get_all("Authorization") or []
        if len(given) != 1 or not _same(given[0], self.server.way.authorization):
            return HTTPStatus.FORBIDDEN
        return None

    def _answer(self, status: HTTPStatus, document: Mapping[str, str]) -> None:
        body = json.dumps(document).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What is no request that we take, as JSON like everything else."""
        del message, explain
        status = HTTPStatus(code)
        if status is HTTPStatus.NOT_IMPLEMENTED:
            status = HTTPStatus.METHOD_NOT_ALLOWED
        self._answer(status, _problem(status.name, status.phrase))

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the terminal is COMMAND's."""


def _same(given: str, secret: str) -> bool:
    """Compared in constant time, whatever bytes were sent."""
    return hmac.compare_digest(given.encode("latin-1", "replace"), secret.encode("ascii"))


def _document(credentials: CredentialsAnswer) -> Mapping[str, str]:
    return {
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
        "Token": credentials.session_token,
        "Expiration": rfc3339(credentials.expiration),
    }


def _problem(code: str, message: str) -> Mapping[str, str]:
    """As SDKs show it."""
    return {"Code": code, "Message": message}
