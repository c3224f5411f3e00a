"""What is not HTTP, or only half of it: one answer, a problem, and the end of the connection."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator

import httpx
import pytest
from werkzeug.test import Client

from broker.web.application import create_app
from broker.web.metrics import Metrics
from tests.integration.api.spoiling import MARK
from tests.integration.api.world import World, assert_problem


@pytest.fixture(autouse=True)
def _nothing_is_written(world: World) -> Iterator[None]:
    before = world.state()
    yield
    assert world.state() == before


SMUGGLED = b"GET /v1/me HTTP/1.1\r\nHost: x\r\n\r\n"
NOT_HTTP: dict[str, tuple[bytes, int]] = {
    "both lengths": (
        b"POST /v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "two lengths": (
        b"POST /v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 9\r\n\r\n",
        400,
    ),
    "a negative length": (
        b"POST /v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        400,
    ),
    "a length with a sign": (
        b"POST /v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Length: +0\r\n\r\n",
        400,
    ),
    "another coding": (
        b"POST /v1/accounts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n",
        400,
    ),
    "a space before the colon": (
        b"GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer " + MARK.encode() + b"\r\n\r\n",
        400,
    ),
    "a folded line": (
        b"GET /v1/me HTTP/1.1\r\nHost: x\r\nA: b\r\n " + MARK.encode() + b"\r\n\r\n",
        400,
    ),
    "a NUL": (b"GET /v1/me HTTP/1.1\r\nHost: x\r\nA: " + MARK.encode() + b"\x00\r\n\r\n", 400),
    "a bare line feed": (b"GET /v1/me HTTP/1.1\nHost: x\nA: " + MARK.encode() + b"\r\n\r\n", 400),
    "a lower-case method": (b"get /v1/me HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "no version": (b"GET /v1/me " + MARK.encode() + b"\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 32 + b"\r\n\r\n", 400),
    "an expectation": (
        b"POST /v1/me HTTP/1.1\r\nHost: x\r\nExpect: " + MARK.encode() + b"\r\n\r\n",
        417,
    ),
    "a long line": (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    "a long header": (b"GET /v1/me HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 9000 + b"\r\n\r\n", 431),
    "many headers": (b"GET /v1/me HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 60 + b"\r\n", 431),
}


@pytest.mark.parametrize("kind", NOT_HTTP)
def test_what_is_not_http_ends_the_connection(world: World, kind: str) -> None:
    """One answer, a problem that repeats nothing; what follows on the connection is not read."""
    sent, status = NOT_HTTP[kind]
    answer = received(world, sent + SMUGGLED)
    assert answer.count(b"Content-Length: ") == 1
    response = parsed(answer)
    assert_problem(response, status, "invalid_request")
    assert response.headers["Connection"] == "close"
    assert MARK not in response.text


def test_a_body_that_breaks_off_is_refused(world: World) -> None:
    """Chunks that are none, chunks that end in the middle, and a trailer that says too much."""
    bearer = world.over_http("console").headers["Authorization"].encode()
    no_trailer = b"2\r\n{}\r\n0\r\nContent-Length: 9\r\n\r\n"
    for chunks in (b"ZZ\r\nxx\r\n0\r\n\r\n", b"5\r\n{\r\n0\r\n\r\n", no_trailer):
        answer = exchange(
            world,
            b"POST /v1/accounts HTTP/1.1",
            b"Authorization: " + bearer,
            b"Content-Type: application/json",
            b"Transfer-Encoding: chunked",
            body=chunks,
        )
        assert_problem(parsed(answer), 400, "invalid_request")


def test_bytes_that_are_not_utf8_are_refused(world: World) -> None:
    """As they are, not percent-encoded: in a path and in a query."""
    bearer = world.over_http("admin").headers["Authorization"].encode()
    for target in (b"/v1/accounts/\xff\xfe", b"/v1/accounts?cursor=\xff", b"/v1/me?\xff=\xfe"):
        answer = exchange(world, b"GET " + target + b" HTTP/1.1", b"Authorization: " + bearer)
        assert assert_problem(parsed(answer), 400, "invalid_request")["errors"]


@pytest.mark.parametrize(
    ("method", "path"), [("PATCH", "/v1/nothing"), ("POST", "/v1/me"), ("PATCH", "/v1/accounts/x")]
)
def test_a_body_is_read_even_where_nobody_needs_it(world: World, method: str, path: str) -> None:
    """While gunicorn discards what was not read, it now and then swallows the next request."""
    body = io.BytesIO(b'{"payer": true}')
    answer = Client(create_app(world.services, Metrics())).open(
        path, method=method, input_stream=body, content_length=15, content_type="application/json"
    )
    assert 400 <= answer.status_code < 500
    assert body.read() == b""


def exchange(world: World, request_line: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    """What comes back for these lines, sent as they are."""
    lines = (request_line, b"Host: x", b"Connection: close", *headers, b"", body)
    return received(world, b"\r\n".join(lines))


def received(world: World, sent: bytes) -> bytes:
    """Everything that the broker sends until it closes the connection."""
    with socket.create_connection(("127.0.0.1", world.stage.port), timeout=10) as connection:
        connection.sendall(sent)
        parts = []
        try:
            while part := connection.recv(65536):
                parts.append(part)
        except ConnectionResetError:
            assert parts, "the connection was reset without an answer"
        return b"".join(parts)


def parsed(answer: bytes) -> httpx.Response:
    """The response in these bytes."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *headers = head.split(b"\r\n")
    pairs = [tuple(header.split(b": ", 1)) for header in headers]
    return httpx.Response(int(status.split(b" ")[1]), headers=pairs, content=body)
