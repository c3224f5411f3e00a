"""What becomes of an event on its way: whatever a receiver does is a receipt, in bounded time."""

from __future__ import annotations

import logging
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from structlog.testing import capture_logs

from broker.domain.webhooks.delivery import Receipt, Verdict
from broker.domain.webhooks.endpoints import Endpoint, Networks, Url
from broker.domain.webhooks.events import EventType
from broker.domain.webhooks.signature import Secret
from broker.http import outbound
from broker.http.outbound import Outbound
from broker.http.webhook_sender import HttpWebhookSender
from tests.integration.webhooks.receiver import Receiver, receiving

HEADERS = {"webhook-id": "1", "webhook-timestamp": "2", "webhook-signature": "v1,3"}


@pytest.fixture
def receiver():
    with receiving() as running:
        yield running


def an_endpoint(url: str, networks: Networks = Networks.LOOPBACK) -> Endpoint:
    return Endpoint(
        name="chat",
        url=Url.parse(url),
        secrets=(Secret(b"canary-secret-of-an-endpoint!"),),
        events=frozenset(EventType),
        accounts=None,
        networks=networks,
    )


def sent(endpoint: Endpoint, **options: Any) -> Receipt:
    sender = HttpWebhookSender(Outbound(endpoint_url=None, **options))
    return sender.send(endpoint, b'{"a": 1}', HEADERS)


VERDICTS = {
    200: Verdict.ACCEPTED,
    202: Verdict.ACCEPTED,
    204: Verdict.ACCEPTED,
    301: Verdict.REFUSED,
    307: Verdict.REFUSED,
    400: Verdict.REFUSED,
    401: Verdict.REFUSED,
    404: Verdict.REFUSED,
    408: Verdict.UNAVAILABLE,
    410: Verdict.REFUSED,
    425: Verdict.UNAVAILABLE,
    429: Verdict.UNAVAILABLE,
    500: Verdict.FAILED,
    501: Verdict.FAILED,
    502: Verdict.UNAVAILABLE,
    503: Verdict.UNAVAILABLE,
    504: Verdict.UNAVAILABLE,
}


@pytest.mark.parametrize("status", VERDICTS)
def test_what_a_status_says(status: int, receiver: Receiver) -> None:
    """Of the event, or of the receiver as a whole."""
    receiver.always = status
    assert sent(an_endpoint(receiver.url)) == Receipt(verdict=VERDICTS[status], status=status)


def test_an_event_arrives_as_it_was_signed(receiver: Receiver) -> None:
    """Path and query as configured, headers and body untouched."""
    sent(an_endpoint(receiver.url))
    (received,) = receiver.received
    assert received.target == "/hook?key=canary-in-the-url"
    assert received.body == b'{"a": 1}'
    assert HEADERS.items() <= received.headers.items()
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    """Else the receiver would choose whom we talk to."""
    receiver.answer_next(307, headers={"Location": receiver.url})
    sent(an_endpoint(receiver.url))
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("120", timedelta(minutes=2)),
        ("999999999", timedelta(hours=1)),
        ("-5", None),
        ("1e9", None),
        ("Tue, 24 Nov 2026 12:00:00 GMT", None),
    ],
)
def test_for_how_long_to_be_left_alone(
    said: str, meant: timedelta | None, receiver: Receiver
) -> None:
    """In seconds, and within bounds."""
    receiver.answer_next(503, headers={"Retry-After": said})
    assert sent(an_endpoint(receiver.url)).retry_after == meant


def test_nobody_listens() -> None:
    """Which is a receipt like any other."""
    assert sent(an_endpoint("http://127.0.0.1:1/")) == Receipt(verdict=Verdict.UNAVAILABLE)


def test_whoever_does_not_answer_is_not_waited_for(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is cut, whatever its own timeouts."""
    monkeypatch.setattr(outbound, "ALTOGETHER_SECONDS", 0.2)
    receiver.silent = True
    assert sent(an_endpoint(receiver.url)) == Receipt(verdict=Verdict.UNAVAILABLE)


def test_no_proxy_of_the_environment_is_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody reads along who is not configured to."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert sent(an_endpoint(receiver.url)).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("networks", "address"),
    [
        (Networks.INTERNET, "10.0.0.7"),
        (Networks.INTERNET, "127.0.0.1"),
        (Networks.INTERNET, "169.254.169.254"),
        (Networks.OWN_TOO, "169.254.169.254"),
        (Networks.LOOPBACK, "10.0.0.7"),
    ],
)
def test_a_name_that_leads_where_its_endpoint_may_not_be(
    networks: Networks, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is connected to."""

    def connect(*_: object, **__: object) -> None:
        pytest.fail("a connection was tried")

    monkeypatch.setattr("socket.create_connection", connect)
    endpoint = an_endpoint("https://chat.example.com/", networks)
    receipt = sent(endpoint, resolve=lambda *_: [ip_address(address)])
    assert receipt == Receipt(verdict=Verdict.UNAVAILABLE)


def test_logs_show_neither_path_nor_secret(
    caplog: pytest.LogCaptureFixture, receiver: Receiver
) -> None:
    """Ours do not, and those of the HTTP client are not shown where it might."""
    caplog.set_level(logging.INFO)
    with capture_logs() as logs:
        sent(an_endpoint("http://127.0.0.1:1/canary-in-the-url"))
    assert [log["event"] for log in logs] == ["webhook_not_delivered"]
    assert "canary" not in str(logs)
    sent(an_endpoint(receiver.url))
    assert "canary" not in caplog.text
