"""The browser's way back to `broker login`: for one answer, to this user's own browser."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from broker.cli.identity.callback import Callback, CallbackServer, Page
from broker.cli.loopback import peers

STATE = "the-state-of-this-attempt"


class Attempt:
    """A sign-in that waits, and what came back to it."""

    def __init__(self, server: CallbackServer) -> None:
        self.server = server
        self.came: list[Callback] = []

    def answer(self, callback: Callback) -> Page:
        self.came.append(callback)
        return Page("Signed in", "Close this page.")

    def get(self, **query: str) -> int:
        address = self.server.redirect_uri
        return httpx.get(address, params=query, trust_env=False).status_code


@pytest.fixture
def attempt() -> Iterator[Attempt]:
    server = CallbackServer()
    made = Attempt(server)
    with server.expecting(STATE, made.answer):
        yield made


@pytest.mark.parametrize("owners", [(4242,), ()])
def test_another_user_who_knows_the_state_neither_answers_nor_uses_it_up(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch, owners: tuple[int, ...]
) -> None:
    """They read the address in the list of processes: with the challenge that stands there too,
    they could have the engineer signed in as themselves, or as nobody."""
    with monkeypatch.context() as changed:
        changed.setattr(peers, "_owners", lambda *_, **__: iter(owners))
        assert attempt.get(state=STATE, code="a code of theirs") == 403
        assert attempt.get(state=STATE, error="access_denied") == 403
    assert attempt.came == []
    assert attempt.get(state=STATE, code="ours") == 200
    assert [callback.code for callback in attempt.came] == ["ours"]
