"""When a request is whole: byte by byte, whatever its framing, and never by waiting."""

from __future__ import annotations

import itertools

import pytest
from gunicorn.config import Config
from gunicorn.http import RequestParser
from gunicorn.http.errors import LimitRequestHeaders, NoMoreData, ParseException

from broker.web import hooks
from broker.web.arrival import LONGEST_HEAD, LONGEST_REQUEST, Arrival

LENGTH = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;ext=1\r\nhel\r\n2\r\nlo\r\n0\r\nLater: t\r\n\r\n"
)
EMPTY = b"GET /c HTTP/1.0\r\n\r\n"


def parser(arrival: Arrival) -> RequestParser:
    """gunicorn's own, as the worker sets it up."""
    config = Config()
    config.set("http_parser", "fast")
    return RequestParser(config, arrival, ("127.0.0.1", 1))


@pytest.mark.parametrize("request_bytes", [LENGTH, CHUNKED, EMPTY])
def test_a_request_is_whole_with_its_last_byte_and_not_before(request_bytes: bytes) -> None:
    """And gunicorn then finds in it what it says."""
    arrival = Arrival()
    whole = [arrival.receive(bytes([byte])) for byte in request_bytes]
    assert whole == [False] * (len(request_bytes) - 1) + [True]
    request = next(parser(arrival))
    assert request.body is not None
    assert request.body.read() == (b"" if request_bytes is EMPTY else b"hello")
    assert arrival.begin(b"")


def test_what_comes_after_a_request_belongs_to_the_next() -> None:
    """Whether gunicorn had already taken it or not."""
    arrival = Arrival()
    reading = parser(arrival)
    long = LENGTH.replace(b"Content-Length: 5", b"Content-Length: 9005") + b"x" * 9000
    assert arrival.receive(long + CHUNKED + EMPTY[:5])
    paths = []
    for more in (b"", b"", EMPTY[5:]):
        assert arrival.receive(more)
        request = next(reading)
        paths.append(request.path)
        reading.finish_body()
        assert arrival.begin(reading.unreader.take_buffered())
    assert paths == ["/a", "/b", "/c"]
    assert not arrival.has_begun


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x16\x03\x01\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nExpect: wonders\r\nContent-Length: 1\r\n\r\n",
    ],
)
def test_nonsense_is_not_waited_for(nonsense: bytes) -> None:
    """It is handed on at once, to be refused in gunicorn's words."""
    arrival = Arrival()
    assert arrival.receive(nonsense)
    with pytest.raises(ParseException):
        next(parser(arrival))


def test_a_head_without_an_end_is_refused() -> None:
    """Its headers are short and few enough; together they are too long."""
    arrival = Arrival()
    head = b"GET / HTTP/1.1\r\n" + b"".join(
        b"A%d: %s\r\n" % (number, b"a" * 8000) for number in range(9)
    )
    assert len(head) > LONGEST_HEAD
    assert not arrival.receive(head[:LONGEST_HEAD])
    assert arrival.receive(head[LONGEST_HEAD:])
    with pytest.raises(LimitRequestHeaders):
        next(parser(arrival))


def test_a_body_that_is_announced_too_large_is_not_waited_for() -> None:
    """One byte more than anybody takes; the largest that somebody takes is waited for."""
    for length, whole in ((hooks.MAX_BODY, False), (hooks.MAX_BODY + 1, True)):
        head = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % length
        assert Arrival().receive(head) is whole


def test_chunks_without_an_end_are_cut_off() -> None:
    """What was kept can be read; then it is an error, and the connection cannot go on."""
    arrival = Arrival()
    arrival.receive(CHUNKED[: CHUNKED.index(b"3;ext")])
    chunk = b"400\r\n" + b"a" * 1024 + b"\r\n"
    pieces = 1
    while not arrival.receive(chunk):
        pieces += 1
    assert hooks.MAX_BODY < pieces * 1024 < LONGEST_REQUEST
    request = next(parser(arrival))
    assert request.body is not None
    assert len(request.body.read(hooks.MAX_BODY + 1)) == hooks.MAX_BODY + 1
    with pytest.raises(NoMoreData):
        request.body.read()
    assert not arrival.begin(b"")


def test_two_opinions_on_where_a_request_ends_end_the_connection() -> None:
    """The parser stops in the middle of what we saw a whole request in, or wants more of it."""
    arrival = Arrival()
    reading = parser(arrival)
    forbidden = CHUNKED.replace(b"Later", b"Trailer")
    assert arrival.receive(forbidden + EMPTY)
    with pytest.raises(ParseException):
        next(reading).body.read()  # type: ignore[union-attr]
    assert not arrival.begin(reading.unreader.take_buffered())

    arrival = Arrival()
    assert arrival.receive(LENGTH)
    assert b"".join(itertools.islice(arrival, 1)) == LENGTH
    with pytest.raises(NoMoreData):
        next(arrival)
    assert not arrival.begin(b"")


def test_the_go_ahead_is_for_a_body_that_is_still_awaited() -> None:
    """Once, in any case of letters, and not in HTTP/1.0."""
    head = b"POST / HTTP/1.%d\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n"
    arrival, old = Arrival(), Arrival()
    assert not arrival.receive(head % 1)
    assert not old.receive(head % 0)
    assert (arrival.take_go_ahead(), arrival.take_go_ahead(), old.take_go_ahead()) == (
        True,
        False,
        False,
    )
