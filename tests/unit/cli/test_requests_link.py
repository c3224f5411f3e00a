"""`broker requests link` prints an address for a chat, and nothing beside it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from broker.cli.requests import requests
from tests.unit.cli.answering import answering

GRANT = "gr-0123456789abcdef0123"
MADE = {"url": "https://broker.example.com/approvals/x", "expires_at": "2026-12-01T00:15:00Z"}


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_the_link_alone(flags):
    """One line to paste; with --json also when it ends."""
    with answering([MADE], status=201) as broker:
        words = ["link", GRANT, "--approver", "carl@customer.example", *flags, *broker.options]
        ran = CliRunner().invoke(requests, words)
    assert ran.exit_code == 0, ran.output
    assert broker.asked == [
        ("POST", f"/v1/grants/{GRANT}/approval-link", {"approver": "carl@customer.example"})
    ]
    assert (json.loads(ran.stdout) if flags else ran.stdout) == (
        MADE if flags else f"{MADE['url']}\n"
    )
