"""`broker console` where no browser comes."""

from __future__ import annotations

import pytest

from broker.cli import console
from broker.cli.failures import CommandFailed


def test_a_browser_that_does_not_come_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command does not wait for ever, says how to go on, and repeats no URL."""
    opened: list[str] = []
    monkeypatch.setattr(console, "_BROWSER_SECONDS", 0.05)
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    with pytest.raises(CommandFailed) as failed:
        console._opened_in_browser("https://signin.example/?SigninToken=cAnArY")
    assert "Without --open you are given the URL." in failed.value.message
    assert "cAnArY" not in failed.value.message
    assert "cAnArY" not in opened[0]
