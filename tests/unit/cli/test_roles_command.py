"""`broker roles`: the mapping and the table as people read them, and files checked before use."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from broker.cli.roles import roles
from broker.domain.identity.permissions import PERMITTED, Action, Condition, Role
from broker.errors import ConfigurationError

DOCUMENT = Path(__file__).parents[3] / "docs" / "permissions.md"

GOOD = """
[groups."support [emea]"]
roles = ["engineer", "approver"]

[groups.customer-one]
roles = ["customer"]
accounts = ["111122223333", "444455556666"]
"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch):
    """The command, in an environment without any settings of a broker."""
    for name in ("BROKER_ISSUER_URL", "BROKER_ROLES_FILE"):
        monkeypatch.delenv(name, raising=False)
    return lambda *arguments: CliRunner().invoke(
        roles, [str(argument) for argument in arguments], catch_exceptions=True
    )


def test_the_document_is_what_the_command_prints(run):
    """Nobody edits docs/permissions.md, and nobody changes the table without it."""
    assert run("--markdown").output == DOCUMENT.read_text(), (
        "run: broker roles --markdown > docs/permissions.md"
    )


def test_the_document_says_what_the_table_says():
    """Each cell, read back from the page by another reader than the one that wrote it."""
    rows = [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        for line in DOCUMENT.read_text().splitlines()
        if line.startswith("| ")
    ]
    header, cells = rows[0], {row[0]: row[1:] for row in rows if re.fullmatch(r"\S+:\S+", row[0])}
    assert header == ["action", *(role.value for role in Role)]
    assert cells.keys() == {action.value for action in Action}
    for action in Action:
        for role, cell in zip(Role, cells[action.value], strict=True):
            condition = PERMITTED[action].get(role)
            expected = {None: "", Condition.ALWAYS: "yes"}.get(condition, condition)
            assert cell == expected, (action, role)


def test_a_good_file_is_shown(run, tmp_path):
    """Every group with its roles and accounts, names as they stand in the file."""
    file = tmp_path / "roles.toml"
    file.write_text(GOOD)
    shown = run("--check", file)
    assert shown.exit_code == 0
    for words in ("support [emea]", "approver, engineer", "111122223333, 444455556666", "all"):
        assert words in shown.output


def test_json_tells_groups_and_roles(run, tmp_path):
    """For programs: the same, complete."""
    file = tmp_path / "roles.toml"
    file.write_text(GOOD)
    told = json.loads(run("--json", "--check", file).output)
    assert told["groups"]["customer-one"] == {
        "roles": ["customer"],
        "accounts": ["111122223333", "444455556666"],
    }
    assert told["roles"] == {
        role.value: {
            action.value: granted[role].value
            for action, granted in PERMITTED.items()
            if role in granted
        }
        for role in Role
    }


def test_a_faulty_file_is_refused_with_every_problem(run, tmp_path):
    """All of them at once, each with the file's name."""
    file = tmp_path / "roles.toml"
    file.write_text('[groups.a]\nroles = ["customer", "king"]\n[groups.b]\nroles = []\n')
    refused = run("--check", file).exception
    assert isinstance(refused, ConfigurationError)
    assert len(refused.problems) == 3
    assert all(problem.startswith(str(file)) for problem in refused.problems)


def test_a_file_that_is_not_text_is_refused(run, tmp_path):
    """Not with a trace."""
    file = tmp_path / "roles.toml"
    file.write_bytes(b"\xff\xfe")
    assert isinstance(run("--check", file).exception, ConfigurationError)


def test_without_a_provider_nobody_signs_in(run, monkeypatch):
    """The table is shown, and why there is no mapping."""
    monkeypatch.setenv("BROKER_ISSUER_URL", "https://broker.example.com")
    monkeypatch.setenv("BROKER_VENDOR_ACCOUNT_ID", "999900001111")
    shown = run()
    assert shown.exit_code == 0
    assert "nobody signs in" in shown.output
    assert "sessions:open" in shown.output
