"""A broker and an organisation whose people sign in from terminals, and what those keep."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from broker.cli.demo.stage import Stage
from tests.e2e.engineers_shell import Terminal
from tests.e2e.organisation import Provider

ENGINEER = "jane@vendor.example"


@dataclass(frozen=True)
class Office:
    """A broker that trusts the organisation's provider, which gives refresh tokens."""

    stage: Stage
    provider: Provider


def kept(terminal: Terminal) -> dict[str, Any]:
    """The sign-in in the terminal's file, secrets included."""
    (file,) = terminal.sign_ins.glob("*.json")
    found: dict[str, Any] = json.loads(file.read_text())["sign_in"]
    return found


def expire(terminal: Terminal) -> None:
    """Let the ID token have ended: nobody waits for that in a test."""
    (file,) = terminal.sign_ins.glob("*.json")
    record = json.loads(file.read_text())
    record["sign_in"]["expires_at"] = "2020-01-01T00:00:00Z"
    file.write_text(json.dumps(record))
