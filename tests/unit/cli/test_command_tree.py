"""What every command's help holds, and that its examples are right."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from broker.cli import SECTIONS, broker
from broker.cli.failures import ExitCode
from broker.client.broker import Broker
from tests.unit.cli.command_tree import Found, all_commands, calls_in, parse, words_of

ROOT = Path(__file__).parents[3]
EVERY = all_commands()
LEAVES = [found for found in EVERY if not isinstance(found.command, click.Group)]
EXAMPLES = [(found, call) for found in EVERY for call in found.examples()]

PRINTS_NO_ANSWER = {
    "broker completion": "prints a script",
    "broker configure": "writes a file, and shows the change",
    "broker demo": "tells a story",
    "broker exec": "its output is COMMAND's",
    "broker get": "--format json",
    "broker ledger archive": "writes a file",
    "broker ledger export": "writes a file, whose lines are JSON",
    "broker profiles remove": "changes a file",
    "broker profiles set": "changes a file",
    "broker serve": "does not end",
    "broker template": "prints YAML",
    "broker webhooks secret": "prints a secret and nothing else",
    "broker webhooks test": "its exit code is the answer",
    "broker worker": "prints its log",
}
"""Why a command has no `--json`."""

WITHOUT_COMMAND = {
    "create_api_token": "`broker tokens create` works at the store: so the first one comes about",
    "make_console_url": "takes a session's credentials back, and the shell keeps none: "
    "`broker console` opens a session and its URL in one",
}
"""Operations of the API that no command asks for, and why."""

OPERATIONS = [name for name, _ in inspect.getmembers(Broker, inspect.isfunction) if name[0] != "_"]
SHELL = ROOT / "broker" / "cli"

SECRET = "canary-that-no-help-text-shows"


def _shown(found: Found) -> str:
    return CliRunner().invoke(broker, [*found.words[1:], "--help"], terminal_width=100).output


@pytest.mark.parametrize("found", EVERY, ids=str)
def test_the_first_line_is_one_sentence(found):
    """It says what the command does, and ends."""
    first = " ".join((found.command.help or "").split("\n\n")[0].split())
    assert first.endswith("."), first
    assert len(first) > 20


@pytest.mark.parametrize("found", EVERY, ids=str)
def test_there_is_an_example(found):
    """A line to copy, which begins with the command's own words and is not folded."""
    own = found.examples()
    assert own, f"no line of the help of {found} calls it"
    lines = [line.strip() for line in _shown(found).splitlines()]
    for call in own:
        assert any(call in line for line in lines), f"{call} is folded: it needs a \\b before it"


@pytest.mark.parametrize(("found", "call"), EXAMPLES, ids=[call for _, call in EXAMPLES])
def test_an_example_parses(found, call, tmp_path, monkeypatch):
    """With the real options and arguments; the files that it names are there."""
    monkeypatch.chdir(tmp_path)
    for word in words_of(call):
        if re.fullmatch(r"[\w.…-]+\.(json|jsonl|jws|toml)", word) and "--out" not in call:
            Path(word).touch()
    context = parse(words_of(call))
    assert context.command_path == str(found) or isinstance(found.command, click.Group)


@pytest.mark.parametrize(
    "call",
    [
        "broker accounts list --stat active",
        "broker accounts show 1111-2222-3333",
        "broker accounts show 111122223333 444455556666",
        "broker accounts ad 111122223333",
        "broker tickets put T-1042 | jq .",
        'eval "$(broker completion csh)"',
    ],
)
def test_a_wrong_example_does_not_parse(call):
    """An option, a value or a command that there is not, one too many, one too few."""
    (only,) = calls_in(call)
    with pytest.raises(click.UsageError):
        parse(words_of(only))


@pytest.mark.parametrize("found", LEAVES, ids=str)
def test_exit_codes_are_told(found):
    """At the end, whichever they are."""
    assert (found.command.epilog or "").startswith("Exit codes: ")


@pytest.mark.parametrize("found", EVERY, ids=str)
def test_a_group_says_where_to_read_on(found):
    """A group has no exit codes of its own; `broker` itself lists what they mean."""
    if not isinstance(found.command, click.Group):
        return
    last = _shown(found).rstrip().rpartition("\n\n")[2]
    assert "exit codes" in " ".join(last.split()).lower()


@pytest.mark.parametrize("found", EVERY, ids=str)
def test_every_option_is_explained(found):
    """And what the environment may say instead is named."""
    for option in found.options:
        assert option.help, f"{found} {option.opts[0]} has no help"
        assert option.help.rstrip(")`").endswith((".", ":")), f"{found} {option.opts[0]}"
        assert option.show_envvar or not option.envvar, f"{found} {option.opts[0]}"


@pytest.mark.parametrize("found", EVERY, ids=str)
def test_no_secret_is_shown(found, monkeypatch):
    """Not by a default, and not where the environment holds one."""
    for name in ("BROKER_TOKEN", "BROKER_OIDC_CLIENT_SECRET", "BROKER_TICKETS_TOKEN"):
        monkeypatch.setenv(name, SECRET)
    assert SECRET not in _shown(found)
    for option in found.options:
        if option.name is not None and re.search("credential|token|secret|passphrase", option.name):
            assert option.to_info_dict()["default"] is None
            assert not option.show_default


@pytest.mark.parametrize("found", LEAVES, ids=str)
def test_answers_come_as_json_too(found):
    """Wherever something is answered."""
    flags = {flag for option in found.options for flag in option.opts}
    assert ("--json" in flags) is not (str(found) in PRINTS_NO_ANSWER)


def test_no_reason_is_left_over():
    """The tables name what there is."""
    assert set(PRINTS_NO_ANSWER) <= {str(found) for found in LEAVES}
    assert WITHOUT_COMMAND.keys() <= set(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_has_its_command(operation):
    """Some module of the shell asks for it, or the table says why none does."""
    asks = re.compile(rf"\.{operation}\b")
    asked = any(asks.search(file.read_text()) for file in SHELL.rglob("*.py"))
    assert asked is not (operation in WITHOUT_COMMAND)


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["acounts"], "accounts"),
        (["accounts", "lst"], "list"),
        (["ledger", "verfy"], "verify"),
        (["get", "--acount", "111122223333"], "--account"),
    ],
)
def test_a_slip_is_told_with_what_was_meant(words, near):
    """Also for commands that are imported only when they are called."""
    ran = CliRunner().invoke(broker, words)
    assert ran.exit_code == 2
    assert "Did you mean" in ran.output
    assert near in ran.output


def test_broker_alone_shows_what_there_is():
    """For whom each command is, and what exit codes mean."""
    output = CliRunner().invoke(broker, []).output
    for heading in SECTIONS:
        assert f"{heading}:" in output
    for code in ExitCode:
        assert f"\n    {code.value}  " in output


def test_every_command_stands_under_one_heading():
    """Nobody has to know a command's name to find it."""
    listed = [name for names in SECTIONS.values() for name in names]
    assert sorted(listed) == sorted(broker.list_commands(click.Context(broker)))
