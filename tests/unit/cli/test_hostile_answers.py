"""What a broker, or whoever wrote what it tells, can do to the terminal of who asks: nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import BaseModel, ValidationError

from broker.cli import broker as command
from broker.cli.get import FORMATS
from broker.web.examples import access, accounts, callers, evidence, world
from tests.unit.cli.answering import answering

STEERING = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\u202e"
PROBLEM = {"detail": "No.", "code": "forbidden", "request_id": "r-1"}


def spoilt(answer: BaseModel) -> Any:
    """The answer, with that in every text that may hold it by the contract."""
    told = answer.model_dump(mode="json", by_alias=True)
    for holder, place in list(_texts(told)):
        before = holder[place]
        holder[place] = f"{before}{STEERING}"
        try:
            type(answer).model_validate_json(json.dumps(told))
        except ValidationError:
            holder[place] = before
    return told


def _texts(told: Any) -> Iterator[tuple[Any, Any]]:
    places = told.items() if isinstance(told, dict) else enumerate(told)
    for place, value in places:
        if isinstance(value, str) and place != "next":
            yield told, place
        elif isinstance(value, dict | list):
            yield from _texts(value)


ASKED = {
    "sessions list": access.SESSIONS,
    f"sessions show {world.SESSION}": access.REVOKED,
    f"sessions activity {world.SESSION}": evidence.ACTIVITY,
    "requests list": access.GRANTS,
    f"requests show {world.GRANT}": access.DENIED,
    f"requests link {world.GRANT} --approver carl@customer.example": access.LINK,
    "tickets list": access.TICKETS,
    f"tickets show {world.TICKET}": access.TICKET,
    "accounts list": accounts.ACCOUNTS,
    f"accounts show {world.ACCOUNT}": accounts.ACTIVE,
    f"accounts plan {world.ACCOUNT}": accounts.PLAN,
    f"accounts sync {world.ACCOUNT}": accounts.ACTIVE,
    "tokens list": callers.TOKENS,
    f"ledger list --account {world.ACCOUNT}": evidence.LEDGER,
    f"ledger reconcile --account {world.ACCOUNT}": evidence.COMPARISON,
    "whoami": callers.CALLER,
}


@pytest.mark.parametrize(
    "words",
    [words for words, answer in ASKED.items() if "next" in type(answer).model_fields],
)
def test_no_list_is_read_for_ever(words: str) -> None:
    """A broker, or who answers in its place, leads to the same part again and again."""
    answer = ASKED[words].model_dump(mode="json", by_alias=True) | {"next": "round"}
    with answering([answer]) as broker:
        ran = CliRunner().invoke(command, [*words.split(), *broker.options])
    assert len(broker.asked) == 2
    assert ran.exit_code == 1
    assert ran.stdout == ""
    assert "The broker's list does not end" in ran.stderr
    assert "Is BROKER_URL right?" in ran.stderr


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("words", list(ASKED))
def test_no_answer_steers_the_terminal(words: str, as_json: bool) -> None:
    """Neither for people nor as JSON, which says the same with escapes."""
    answer = ASKED[words]
    with answering([spoilt(answer)]) as broker:
        flags = ["--json"] if as_json else []
        ran = CliRunner().invoke(command, [*words.split(), *flags, *broker.options])
    assert broker.asked, ran.output
    assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
    assert ran.output.strip() != ""
    assert _steering(ran.output) == set()


@pytest.mark.parametrize("words", ["whoami", f"get --account {world.ACCOUNT} --ticket T-1"])
@pytest.mark.parametrize("member", ["detail", "code", "request_id"])
def test_no_refusal_steers_the_terminal(words: str, member: str) -> None:
    """Errors go to it too, and more often than answers."""
    problem = {**PROBLEM, member: f"{PROBLEM[member]}{STEERING}"}
    with answering([problem], status=403) as broker:
        ran = CliRunner().invoke(command, [*words.split(), *broker.options])
    assert ran.exit_code == 3
    assert "owned" in ran.output
    assert _steering(ran.output) == set()


@pytest.mark.parametrize("member", ["access_key_id", "secret_access_key", "session_token"])
@pytest.mark.parametrize("spoiling", ["\n[default]\ncredential_process = sh -c x", "\u2019; iex x"])
@pytest.mark.parametrize("form", list(FORMATS))
def test_credentials_are_nothing_but_credentials(member: str, spoiling: str, form: str) -> None:
    """They are read by shells and put into files: a line more would be a command of the broker's,
    and PowerShell takes quotes of other writings for its own."""
    answer = access.OPENED.model_dump(mode="json")
    answer["credentials"][member] += spoiling
    words = ["get", "--account", world.ACCOUNT, "--ticket", world.TICKET, "--format", form]
    with answering([answer], status=201) as broker:
        ran = CliRunner().invoke(command, [*words, *broker.options])
    assert ran.exit_code == 1
    assert "like a broker" in ran.stderr
    assert ran.stdout == ""


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "http://signin.example/federation",
        "https://signin.example/\r\nSet-Cookie: a=b",
        "https://signin.example/\x1b[2J",
        "https://[",
        "file:///etc/passwd",
    ],
)
@pytest.mark.parametrize("flags", [(), ("--open",)])
def test_a_console_url_that_is_none_goes_nowhere(
    monkeypatch: pytest.MonkeyPatch, url: str, flags: tuple[str, ...]
) -> None:
    """Not to the browser, whose redirect it would become a part of, and not to the terminal."""
    opened: list[str] = []
    monkeypatch.setattr("broker.cli.console.open_in_browser", opened.append)
    answer = access.CONSOLE.model_copy(update={"url": url}).model_dump(mode="json")
    words = ["console", "--account", world.ACCOUNT, "--ticket", world.TICKET, *flags]
    with answering([answer], status=201) as broker:
        ran = CliRunner().invoke(command, [*words, *broker.options])
    assert ran.exit_code == 1
    assert opened == []
    assert url not in ran.output
    assert _steering(ran.output) == set()


def _steering(shown: str) -> set[str]:
    return {each for each in shown if not each.isprintable()} - {"\n"}
