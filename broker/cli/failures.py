"""How commands fail: one sentence, the code, the way out; and an exit code that scripts can use."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from http import HTTPStatus

import click
from pydantic import ValidationError

from broker.client.errors import (
    BadAddress,
    BadCredential,
    BrokeOff,
    ClientError,
    EndlessList,
    NotABroker,
    ProblemAnswered,
    TimedOut,
    Unreachable,
)
from broker.domain.access import Reason
from broker.domain.plain_text import plain
from broker.errors import BrokerError, ConfigurationError, InvalidRequest, RateLimited

_INVALID = "invalid_request"
_WHERE = "Is BROKER_URL right?"


class ExitCode(IntEnum):
    """What the `broker` command ends with."""

    OK = 0
    FAILED = 1
    """Something went wrong on the way: try again, or ask the operator."""
    USAGE = 2
    """The command line or the settings are not right."""
    REFUSED = 3
    """The broker, or AWS, said no; the code says why."""


EXIT_CODES = "Exit codes: 0 done, 1 failed (try again), 2 wrong usage, 3 refused."
"""What the help of a command says of them."""


class CommandFailed(click.ClickException):
    """A failure as a person reads it; `code` is the stable code, if there is one."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code

    def format_message(self) -> str:
        """The sentence, and the code behind it."""
        whole = f"{self.message} [{self.code}]" if self.code else self.message
        # Part of it may be of a broker, a provider or a file that others have written.
        return "\n".join(map(plain, whole.split("\n")))


class CommandRefused(CommandFailed):
    """The broker, or AWS, said no: asking again changes nothing."""

    exit_code = ExitCode.REFUSED


class CommandMisused(CommandFailed):
    """The broker cannot read what was typed: the sentence names the member and its rule."""

    exit_code = ExitCode.USAGE


@contextmanager
def told_by_the_shell() -> Iterator[None]:
    """Turn what the client raises, and bodies that cannot be, into what commands fail with."""
    try:
        yield
    except ClientError as e:
        raise _told(e) from e
    except ValidationError as e:
        # Not chained: pydantic's error repeats what was typed.
        raise _misused(e) from None


def _told(error: ClientError) -> click.ClickException:
    """`error` as a person at the shell reads it, with the exit code that it deserves."""
    match error:
        case ProblemAnswered():
            return _problem(error)
        case BadAddress():
            return click.UsageError(f"{error} {_WHERE}")
        case BadCredential():
            return click.UsageError(str(error))
        case TimedOut():
            return CommandFailed(
                f"{error} It may have been done all the same: look, then try again."
            )
        case Unreachable() | NotABroker():
            return CommandFailed(f"{error} {_WHERE}")
        case BrokeOff():
            return CommandFailed(f"{error} Try again.")
        case EndlessList():
            return CommandFailed(f"{error} Ask its operator. {_WHERE}")
        case _:
            return CommandFailed(str(error))


def _problem(problem: ProblemAnswered) -> CommandFailed:
    sentence = f"{problem.detail}{_whose_verdict(problem)} (request {problem.request_id})"
    if problem.may_pass:
        return CommandFailed(sentence, code=problem.code)
    if problem.code == _INVALID:
        return CommandMisused(sentence, code=problem.code)
    return CommandRefused(sentence, code=problem.code)


def _whose_verdict(problem: ProblemAnswered) -> str:
    """Whose decision came first, where somebody decided too late and the broker says it."""
    state, approver = problem.members.get("state"), problem.members.get("approver")
    if problem.code != Reason.ALREADY_DECIDED.value or not (state and approver):
        return ""
    return f" It is {state}, by {approver}."


def _misused(error: ValidationError) -> CommandMisused:
    """A body of ours that the broker could not read either; what was typed is not repeated."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    rule = first["msg"].removeprefix("Value error, ")
    return CommandMisused(f"`{where}`: {rule}." if where else f"It {rule}.", code=_INVALID)


def reported(command: Callable[[], object]) -> None:
    """Run `command`; what fails is told on standard error, without a trace."""
    try:
        with told_by_the_shell():
            command()
    except click.ClickException as e:
        e.show()
        sys.exit(e.exit_code)
    except ConfigurationError as e:
        click.echo(str(e), err=True)
        sys.exit(ExitCode.USAGE)
    except BrokerError as e:
        click.echo(f"Error: {e.public_message} [{e.code}]", err=True)
        sys.exit(_here(e))


def _here(error: BrokerError) -> ExitCode:
    """As for the same answer of the API: a service on this machine says no in the same words."""
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR or isinstance(error, RateLimited):
        return ExitCode.FAILED
    return ExitCode.USAGE if isinstance(error, InvalidRequest) else ExitCode.REFUSED
