"""`broker webhooks`: who is told, and whether the way is open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from broker.cli.webhooks import webhooks
from broker.domain.webhooks.delivery import Outage
from broker.domain.webhooks.signature import Secret
from broker.store import open_store
from tests.contract.store_samples import NOW, ONE
from tests.integration.webhooks.receiver import Receiver
from tests.integration.webhooks.world import A_MINUTE, SECRET


@pytest.fixture
def environment(tmp_path: Path, url: str, receiver: Receiver) -> dict[str, str]:
    """Settings of a broker with one endpoint."""
    file = tmp_path / "webhooks.toml"
    file.touch(mode=0o600)
    file.write_text(
        f"""
        [[endpoint]]
        name = "chat"
        url = "{receiver.url}"
        secret = "{SECRET.reveal()}"
        events = ["session.opened"]
        accounts = ["{ONE}"]
        """
    )
    return {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "nothing to keep",
        "BROKER_AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "BROKER_ISSUER_URL": "http://127.0.0.1:1",
        "BROKER_VENDOR_ACCOUNT_ID": "999900001111",
        "BROKER_STORE_URL": url,
        "BROKER_WEBHOOKS_FILE": str(file),
    }


def ran(environment: dict[str, str], *words: str) -> Result:
    return CliRunner().invoke(webhooks, words, env=environment)


def test_endpoints_are_listed_without_what_is_secret(
    environment: dict[str, str], url: str, receiver: Receiver
) -> None:
    """As a table and as JSON; of a URL only the host, for a path may be a secret too."""
    with open_store(url) as store:
        outage = Outage(failures=1, since=NOW, until=NOW + A_MINUTE)
        store.webhook_cursors.set_outage("chat", outage)
    shown = ran(environment, "list", "--json")
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.output) == {
        "webhooks": [
            {
                "name": "chat",
                "place": f"http://127.0.0.1:{receiver.port}",
                "networks": "loopback",
                "secrets": 1,
                "events": ["session.opened"],
                "accounts": [ONE],
                "failing_since": "2026-03-01T12:00:00Z",
                "next_try_at": "2026-03-01T12:01:00Z",
            }
        ]
    }
    table = ran(environment, "list").output
    assert "chat" in table
    for secret in ("canary", SECRET.reveal()):
        assert secret not in table + shown.output


def test_no_endpoint_is_said_to_be_none(environment: dict[str, str]) -> None:
    """And where one would be named."""
    del environment["BROKER_WEBHOOKS_FILE"]
    assert "BROKER_WEBHOOKS_FILE" in ran(environment, "list").output


def test_the_way_to_an_endpoint(environment: dict[str, str], receiver: Receiver) -> None:
    """A signed event that is none of the ledger, and what came back."""
    tried = ran(environment, "test", "chat")
    assert tried.exit_code == 0, tried.output
    assert "status 204" in tried.output
    (received,) = receiver.received
    assert received.event["type"] == "webhook.test"
    assert received.event["ledger"] is None
    assert received.event["id"] == received.id
    assert received.headers["webhook-signature"].startswith("v1,")


def test_a_way_that_is_not_open(environment: dict[str, str], receiver: Receiver) -> None:
    """The command fails, and says how."""
    receiver.always = 401
    refused = ran(environment, "test", "chat")
    assert (refused.exit_code, "status 401" in refused.output) == (1, True)
    receiver.always = 429
    assert "[unavailable]" in ran(environment, "test", "chat").output


def test_a_secret_is_fresh_and_good(environment: dict[str, str]) -> None:
    """As the file of endpoints takes it."""
    first, second = (ran(environment, "secret").output.strip() for _ in range(2))
    assert first != second
    assert len(Secret.parse(first).key) == 32
