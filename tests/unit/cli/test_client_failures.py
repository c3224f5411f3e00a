"""What the API's problems become in the shell: an exit code that tells whether to ask again."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

import pytest

from broker.cli.client import BrokerClient
from broker.cli.failures import CommandFailed, ExitCode


class Broker(BaseHTTPRequestHandler):
    """Answers as it is told, one problem after the other, and then well."""

    problems: ClassVar[list[tuple[int, str]]] = []

    def do_GET(self) -> None:
        status, code = self.problems.pop(0) if self.problems else (200, "")
        problem = {"detail": "A sentence.", "code": code, "request_id": "r"}
        body = json.dumps(problem).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def client():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Broker)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        with BrokerClient(f"http://127.0.0.1:{server.server_port}", "brk") as made:
            yield made
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (400, "invalid_request", ExitCode.USAGE),
        (401, "unauthenticated", ExitCode.REFUSED),
        (403, "not_assigned", ExitCode.REFUSED),
        (429, "rate_limited", ExitCode.FAILED),
        (502, "refused_by_aws", ExitCode.FAILED),
        (503, "store_unavailable", ExitCode.FAILED),
    ],
)
def test_the_exit_code_says_whether_asking_again_may_help(client, status, code, exit_code):
    Broker.problems = [(status, code)]
    with pytest.raises(CommandFailed, match="A sentence") as failed:
        client.request("GET", "/v1/me")
    assert (failed.value.exit_code, failed.value.code) == (exit_code, code)


def test_a_broker_that_is_too_busy_is_asked_again(client, monkeypatch):
    waits = []
    monkeypatch.setattr("broker.cli.client.time.sleep", waits.append)
    Broker.problems = [(503, "too_busy")] * 3
    assert client.request("GET", "/v1/me")["request_id"] == "r"
    assert len(waits) == 3
    assert all(1 <= wait <= 2 for wait in waits)


def test_not_for_ever(client, monkeypatch):
    monkeypatch.setattr("broker.cli.client.time.sleep", lambda _: None)
    Broker.problems = [(503, "too_busy")] * 100
    with pytest.raises(CommandFailed) as failed:
        client.request("GET", "/v1/me")
    assert failed.value.code == "too_busy"
    assert len(Broker.problems) > 80
