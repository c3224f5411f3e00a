"""Opening the session that a command wants, with a grant for it where the customer decides."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import TypeVar

import click

from broker import contract
from broker.cli.failures import CommandRefused
from broker.cli.opening.picking import has_terminal
from broker.cli.opening.wanted import GRANT_SECONDS, NamedSession
from broker.cli.progress import waiting
from broker.client.broker import Broker
from broker.client.errors import ProblemAnswered
from broker.contract.sessions import OpenedSessionAnswer
from broker.domain.access import Reason
from broker.domain.grants import GrantState

Answered = TypeVar("Answered")

_NO_GRANT = (Reason.GRANT_REQUIRED.value, Reason.GRANT_EXPIRED.value)
_EVERY_SECONDS = 2.0


class WithoutGrant(Enum):
    """What to do where the customer has not approved yet."""

    FAIL = "fail"
    WAIT = "wait"
    """Ask for the grant and wait until it is decided on."""


waits_for_a_grant = click.option(
    "--wait",
    "without_grant",
    flag_value=WithoutGrant.WAIT,
    default=WithoutGrant.FAIL,
    type=click.UNPROCESSED,
    help="Where the customer approves each access: ask for it, and wait for the decision.",
)


def opened(
    named: NamedSession,
    broker: Broker,
    *,
    without_grant: WithoutGrant,
    sleep: Callable[[float], None] = time.sleep,
) -> OpenedSessionAnswer:
    """The session with its credentials. Raises ClientError, CommandRefused, UsageError, Abort."""

    def ask() -> OpenedSessionAnswer:
        return broker.open_session(named.body())

    return granted(ask, named, broker, without_grant=without_grant, sleep=sleep)


def granted(
    ask: Callable[[], Answered],
    named: NamedSession,
    broker: Broker,
    *,
    without_grant: WithoutGrant,
    sleep: Callable[[float], None] = time.sleep,
) -> Answered:
    """What `ask` is answered, which opens the session. Raises like `opened`."""
    try:
        return _answered(ask)
    except ProblemAnswered as e:
        if e.code not in _NO_GRANT:
            raise
        if without_grant is WithoutGrant.FAIL:
            raise _grant_needed(named, e) from e
    _wait_for_grant(named, broker, sleep=sleep)
    return _answered(ask)


def _answered(ask: Callable[[], Answered]) -> Answered:
    """KMS and AWS take a second or two; whoever looks on sees that something happens."""
    with waiting("Opening a session …"):
        return ask()


def _grant_needed(named: NamedSession, problem: ProblemAnswered) -> CommandRefused:
    """The refusal, with what was asked for already and the command that asks."""
    grant_id, state = problem.members.get("grant_id"), problem.members.get("state")
    command = (
        f"broker requests create --account {named.account_id} --ticket {named.ticket} "
        f'--access {named.access.value} --reason "…"'
    )
    if state == GrantState.REQUESTED.value:
        way_out = (
            f"{grant_id} was asked for, and is not approved: `broker requests show {grant_id}`, "
            "or --wait for it"
        )
    elif grant_id and state:
        way_out = (
            f"{grant_id} was {state}: `broker requests show {grant_id}` says why. Ask again: "
            f"`{command}`, or add --wait"
        )
    else:
        way_out = f"Ask: `{command}`, or add --wait"
    sentence = f"The customer approves each access. {way_out}. (request {problem.request_id})"
    return CommandRefused(sentence, code=problem.code)


def _wait_for_grant(named: NamedSession, broker: Broker, *, sleep: Callable[[float], None]) -> None:
    """Ask for a grant, or find the one that was asked for, and return once it is approved."""
    body = named.grant_body(reason=_reason(named), duration_seconds=GRANT_SECONDS)
    grant = broker.request_grant(body)
    with _told_to_wait(grant):
        while grant.state is GrantState.REQUESTED:
            sleep(_EVERY_SECONDS)
            grant = broker.show_grant(grant.id)
    if grant.state is not GrantState.APPROVED:
        raise CommandRefused(_verdict(grant), code=f"grant_{grant.state.value}")


def _reason(named: NamedSession) -> str:
    if named.wanted.reason:
        return named.wanted.reason
    if not has_terminal():
        raise click.UsageError("--wait asks the customer: say with --reason what you will do.")
    given: str = click.prompt("Reason, for the customer to read", err=True)
    return given


@contextmanager
def _told_to_wait(grant: contract.grants.GrantAnswer) -> Iterator[None]:
    """Say what is waited for, as long as it lasts; whoever gives up is told what stays."""
    line = f"Waiting for the customer's decision on {grant.id}."
    try:
        with waiting(line) as progress:
            progress.tell(line)
            yield
    except KeyboardInterrupt:
        click.echo(
            f"The request stays. Withdraw it: `broker requests revoke {grant.id}`.", err=True
        )
        raise


def _verdict(grant: contract.grants.GrantAnswer) -> str:
    """What became of the request, in the words of who decided."""
    if grant.state is GrantState.EXPIRED:
        return f"Nobody decided on {grant.id} in time. Ask again."
    why = f': "{grant.decision_reason}"' if grant.decision_reason else ""
    return f"{grant.id} was {grant.state.value} by {grant.approver or 'somebody'}{why}."
