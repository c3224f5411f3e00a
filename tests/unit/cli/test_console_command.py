"""`broker console` where no browser comes."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from broker.cli import console
from broker.cli.failures import CommandFailed


def test_a_browser_that_does_not_come_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command does not wait for ever, says how to go on, and repeats no URL."""
    opened: list[str] = []

    def open_in_browser(address: str) -> Future[bool]:
        opened.append(address)
        return Future()

    monkeypatch.setattr(console, "_BROWSER_SECONDS", 0.05)
    monkeypatch.setattr(console, "open_in_browser", open_in_browser)
    with pytest.raises(CommandFailed) as failed:
        console._opened_in_browser("https://signin.example/?SigninToken=cAnArY")
    assert "The browser did not come" in failed.value.message
    assert "Without --open you are given the URL." in failed.value.message
    assert "cAnArY" not in failed.value.message
    assert "cAnArY" not in opened[0]
