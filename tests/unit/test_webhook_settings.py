"""The file of webhook endpoints: every fault at once, nothing of it echoed, readable by few."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.domain.identifiers import AccountId
from broker.domain.webhooks.endpoints import Networks
from broker.domain.webhooks.events import EventType
from broker.domain.webhooks.signature import Secret
from broker.errors import ConfigurationError
from broker.settings import load

FIRST, SECOND = Secret(b"canary-one-" * 3), Secret(b"canary-two-" * 3)
GOOD = f"""
[[endpoint]]
name = "chat"
url = "https://chat.example.com/hooks/canary-path"
secret = "{FIRST.reveal()}"

[[endpoint]]
name = "harbour-bank"
url = "https://10.0.0.7:8443/"
secrets = ["{SECOND.reveal()}", "{FIRST.reveal()}"]
events = ["grant.requested", "grant.glass_broken"]
accounts = ["111122223333"]
allow_private = true
"""
ONE = f"""
[[endpoint]]
name = "chat"
url = "https://chat.example.com/"
secret = "{FIRST.reveal()}"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "webhooks.toml"
    path.touch(mode=0o600)
    return path


def loaded(file: Path):
    return load(
        {
            "BROKER_ISSUER_URL": "https://broker.example.com",
            "BROKER_VENDOR_ACCOUNT_ID": "999900001111",
            "BROKER_WEBHOOKS_FILE": str(file),
        }
    ).webhooks_file


def problem(file: Path) -> str:
    """What is wrong with it, in which nothing secret stands."""
    with pytest.raises(ConfigurationError) as refused:
        loaded(file)
    (found,) = refused.value.problems
    assert found.startswith("BROKER_WEBHOOKS_FILE: ")
    assert "canary" not in found
    assert FIRST.reveal() not in found
    return found


def test_endpoints_as_they_are_written(file):
    """What is left out means all, of this network's outside only."""
    file.write_text(GOOD)
    chat, bank = loaded(file)
    assert (chat.name, chat.secrets, chat.accounts) == ("chat", (FIRST,), None)
    assert chat.events == frozenset(EventType)
    assert chat.networks is Networks.INTERNET
    assert bank.secrets == (SECOND, FIRST)
    assert bank.events == {EventType.GRANT_REQUESTED, EventType.GLASS_BROKEN}
    assert bank.accounts == {AccountId("111122223333")}
    assert bank.networks is Networks.OWN_TOO


def test_without_tls_only_this_machine_is_told(file):
    """Whatever else is allowed."""
    file.write_text(
        ONE.replace("https://chat.example.com", "http://127.0.0.1:9") + "allow_private = true"
    )
    (local,) = loaded(file)
    assert local.networks is Networks.LOOPBACK


def test_an_empty_file_tells_nobody(file):
    """As does no file."""
    assert list(loaded(file)) == []


def test_every_fault_is_listed_at_once(file):
    """Nobody should have to start the broker five times to find five mistakes."""
    file.write_text(
        """
        other = 1
        [[endpoint]]
        name = "Chat"
        url = "http://chat.example.com/canary"
        secret = "canary-too-short"
        events = ["grant.requested", "coffee.ready"]
        accounts = ["1111"]
        colour = "red"
        [[endpoint]]
        name = "second"
        secrets = []
        events = []
        accounts = []
        """
    )
    found = problem(file)
    for where in (
        "endpoint 1 name: ",
        "endpoint 1 url: must be https",
        "endpoint 1 secret: must be whsec_",
        "endpoint 1 events ",
        "endpoint 1 accounts ",
        "endpoint 1 colour: ",
        "endpoint 2 url: ",
        "endpoint 2 events: ",
        "endpoint 2 accounts: ",
        "other: ",
    ):
        assert where in found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (ONE + ONE, "two have the name chat"),
        (ONE.replace("secret", "# secret"), "must have either `secret` or `secrets`"),
        (ONE + f'secrets = ["{SECOND.reveal()}"]', "must have either `secret` or `secrets`"),
        (ONE + "secrets = []", None),
        (ONE.replace("secret =", "secrets ="), "endpoint 1 secrets"),
        ("[[endpoint", "must name a file of TOML"),
        (ONE + f"# {'x' * 1024 * 1024}", "more than 1 MiB"),
    ],
)
def test_one_fault(text, fault, file):
    """Said where it is."""
    file.write_text(text)
    if fault is None:
        assert [endpoint.name for endpoint in loaded(file)] == ["chat"]
    else:
        assert fault in problem(file)


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o666, 0o601])
def test_a_file_that_everybody_may_read_is_refused(mode, file):
    """Whoever reads a secret can forge every event."""
    file.write_text(ONE)
    file.chmod(mode)
    assert "every user may read" in problem(file)


def test_a_group_of_services_may_read_it(file):
    """Secrets that a scheduler mounts belong to a group."""
    file.write_text(ONE)
    file.chmod(0o640)
    assert [endpoint.name for endpoint in loaded(file)] == ["chat"]


def test_a_file_that_is_not_there(tmp_path):
    """A typing error must not switch everything off in silence."""
    assert "readable file" in problem(tmp_path / "missing.toml")


def test_a_file_that_is_no_text(file):
    """Nor is anything else taken for it."""
    file.write_bytes(b"\xff\xfe")
    assert "UTF-8" in problem(file)
