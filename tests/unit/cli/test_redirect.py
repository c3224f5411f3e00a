"""The way from an address on loopback to a secret URL: once, for this user's own browser."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from broker.cli.loopback import peers
from broker.cli.loopback.redirect import OneTimeRedirect

SECRET = "https://signin.example/federation?Action=login&SigninToken=cAnArY"


@pytest.fixture
def door() -> Iterator[OneTimeRedirect]:
    made = OneTimeRedirect(SECRET)
    with made.listening():
        yield made


def get(address: str, **headers: str) -> httpx.Response:
    return httpx.get(address, headers=headers, trust_env=False, follow_redirects=False)


def test_it_leads_on_once(door: OneTimeRedirect) -> None:
    """303 without a referrer, kept by nobody; the second who comes gets nothing."""
    assert not door.wait(seconds=0)
    answer = get(door.address)
    assert (answer.status_code, answer.headers["Location"]) == (303, SECRET)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert door.wait(seconds=30)
    again = get(door.address)
    assert again.status_code == 410
    assert "Location" not in again.headers


def test_of_many_at_once_one_is_led_on(door: OneTimeRedirect) -> None:
    """However they meet."""
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(get(door.address).status_code))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, *[410] * 7]


def test_the_address_says_nothing_of_the_url_and_cannot_be_guessed(door: OneTimeRedirect) -> None:
    """It is on this machine, and nothing but random bits."""
    parts = urlsplit(door.address)
    assert (parts.scheme, parts.hostname) == ("http", "127.0.0.1")
    assert len(parts.path) > 40
    assert "cAnArY" not in door.address
    other = OneTimeRedirect(SECRET)
    with other.listening():
        assert urlsplit(other.address).path != parts.path


def test_other_addresses_and_names_lead_nowhere_and_use_nothing_up(door: OneTimeRedirect) -> None:
    """A page elsewhere can have its name lead here, and anybody can knock."""
    port = urlsplit(door.address).port
    base = f"http://127.0.0.1:{port}"
    for address in (base, f"{base}/favicon.ico", f"{door.address}x", f"{door.address}?x", base):
        assert get(address).status_code == 404
    assert get(door.address, Host=f"evil.example:{port}").status_code == 404
    assert httpx.post(door.address, trust_env=False).status_code == 501
    assert not door.wait(seconds=0)
    assert get(door.address).status_code == 303


@pytest.mark.parametrize(
    ("owners", "status"),
    [((4242,), 403), ((), 403), ((os.getuid(),), 303), ((0,), 303), ((os.getuid(), 4242), 403)],
)
def test_only_this_users_connections_are_led_on(
    door: OneTimeRedirect, monkeypatch: pytest.MonkeyPatch, owners: tuple[int, ...], status: int
) -> None:
    """Another user of the machine has read the address in the list of processes."""
    with monkeypatch.context() as changed:
        changed.setattr(peers, "_owners", lambda *_, **__: iter(owners))
        assert get(door.address).status_code == status
    if status == 403:
        assert not door.wait(seconds=0)
        assert get(door.address).status_code == 303


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_the_kernel_says_whose_a_connection_is(family: socket.AddressFamily) -> None:
    """Also where a program connects to an IPv4 address through an IPv6 socket."""
    mapped = "::ffff:127.0.0.1" if family is socket.AF_INET6 else "127.0.0.1"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(family) as client:
        port = server.getsockname()[1]
        client.connect((mapped, port))
        accepted, peer = server.accept()
        with accepted:
            owners = [
                owner
                for table in peers._TABLES
                for owner in peers._owners(table, local=peer, remote=("127.0.0.1", port))
            ]
    assert owners == [os.getuid()]
