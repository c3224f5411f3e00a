"""Connections that are lent: nobody else has them meanwhile, and only good ones are kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from broker.sandbox import lending
from broker.sandbox.lending import LendingTransport
from tests.contract.store_servers import until
from tests.integration.sandbox.loopback_issuer import Answer, LoopbackIssuers

MANY = 40


@pytest.fixture
def issuers() -> Iterator[LoopbackIssuers]:
    """A server whose connections are counted from none."""
    with LoopbackIssuers(answers={"/": Answer(body=b"{}")}) as running:
        yield running


@pytest.fixture
def client(issuers: LoopbackIssuers) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=issuers.origin, transport=LendingTransport()) as client:
        yield client


def get_at_once(client: httpx.Client, issuers: LoopbackIssuers, count: int) -> list[int]:
    """The statuses of so many requests that are all under way before the first is answered."""
    gate = threading.Event()
    issuers.answers["/gated"] = Answer(gate=gate)
    before = issuers.fetched.count("/gated")
    with ThreadPoolExecutor(count) as threads:
        asked = [threads.submit(client.get, "/gated") for _ in range(count)]
        try:
            until(lambda: issuers.fetched.count("/gated") == before + count, seconds=60)
        finally:
            gate.set()
        return [each.result().status_code for each in asked]


def test_requests_under_way_share_no_connection(
    issuers: LoopbackIssuers, client: httpx.Client
) -> None:
    """However many there are; what was lent last is lent again first."""
    assert get_at_once(client, issuers, MANY) == [200] * MANY
    until(lambda: len(issuers.connections) == lending.KEPT, seconds=60)
    kept = set(issuers.connections)
    for _ in range(3):
        assert client.get("/").content == b"{}"
    assert get_at_once(client, issuers, lending.KEPT) == [200] * lending.KEPT
    assert issuers.connections == kept


def test_a_connection_is_lent_until_its_answer_is_read(
    issuers: LoopbackIssuers, client: httpx.Client
) -> None:
    """Also where the answer is streamed."""
    with client.stream("GET", "/") as first:
        assert client.get("/").is_success
        assert len(issuers.connections) == 2
        assert b"".join(first.iter_bytes()) == b"{}"
    assert client.get("/").is_success
    assert len(issuers.connections) == 2


def test_threads_meet_no_connection_that_another_has_closed(issuers: LoopbackIssuers) -> None:
    """Although all connections expire between one request and the next."""
    transport = LendingTransport(keepalive_expiry=0.0)
    with (
        httpx.Client(base_url=issuers.origin, transport=transport) as client,
        ThreadPoolExecutor(8) as threads,
    ):
        statuses = set(threads.map(lambda _: client.get("/").status_code, range(400)))
    assert statuses == {200}


def test_a_connection_that_broke_is_not_lent_again(issuers: LoopbackIssuers) -> None:
    """Whether it was never made or ended under a request, the next request has a new one."""
    with httpx.Client(transport=LendingTransport()) as client:
        with LoopbackIssuers(answers={"/": Answer(body=b"{}")}) as gone:
            assert client.get(gone.origin).is_success
        with pytest.raises(httpx.TransportError):
            client.get(gone.origin)
        assert client.get(issuers.origin).is_success


def test_closing_the_client_closes_what_is_kept(issuers: LoopbackIssuers) -> None:
    """No connection outlives it."""
    with httpx.Client(base_url=issuers.origin, transport=LendingTransport()) as client:
        get_at_once(client, issuers, 4)
        assert len(issuers.connections) == 4
    until(lambda: not issuers.connections, seconds=60)
