"""A client's socket: short answers are kept for whoever is slow, long ones are not kept whole."""

from __future__ import annotations

import socket
from threading import Thread

import pytest

from broker.web import connection
from broker.web.connection import MOST_UNSENT, ClientSocket

PIECE = b"x" * 200_000


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    with ClientSocket(ours) as sending, theirs:
        sending.setblocking(False)
        yield sending, theirs


def kept(sending: ClientSocket) -> int:
    return len(sending._unsent)


def test_a_short_answer_waits_for_nobody(ends):
    """The writing thread goes on at once, though nobody reads."""
    sending, theirs = ends
    for _ in range(4):
        sending.sendall(PIECE)
    assert 0 < kept(sending) <= MOST_UNSENT
    reading = Thread(target=drain, args=(theirs, 4 * len(PIECE)))
    reading.start()
    while not sending.flush():
        pass
    reading.join(timeout=10)
    assert not reading.is_alive()


def test_a_long_answer_is_never_kept_whole(ends):
    """A hundred times as much as is kept goes through, as fast as it is taken."""
    sending, theirs = ends
    pieces = 100 * MOST_UNSENT // len(PIECE)
    reading = Thread(target=drain, args=(theirs, pieces * len(PIECE)))
    reading.start()
    most = 0
    for _ in range(pieces):
        sending.sendall(PIECE)
        most = max(most, kept(sending))
    while not sending.flush():
        pass
    reading.join(timeout=30)
    assert not reading.is_alive()
    assert most <= MOST_UNSENT + len(PIECE)


def test_whoever_does_not_take_a_long_answer_is_given_up(ends, monkeypatch):
    monkeypatch.setattr(connection, "PATIENCE", 0.2)
    sending, _ = ends
    with pytest.raises(TimeoutError):
        send_all_of(sending, pieces=1000)
    assert kept(sending) <= MOST_UNSENT + 2 * len(PIECE)


def send_all_of(sending: ClientSocket, *, pieces: int) -> None:
    for _ in range(pieces):
        sending.sendall(PIECE)


def drain(theirs: socket.socket, expected: int) -> None:
    while expected > 0:
        expected -= len(theirs.recv(65536))
