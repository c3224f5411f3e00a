"""`broker revoke`: ending access, and waiting until AWS is seen to refuse it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

import click
from pydantic import BaseModel

from broker.cli.asking import Target, calls_the_broker
from broker.cli.failures import EXIT_CODES, CommandFailed
from broker.cli.grammar.groups import Group
from broker.cli.grammar.lengths import Length
from broker.cli.grammar.parsed import Parsed
from broker.cli.progress import waiting
from broker.cli.revocation_watch import Ended, watch
from broker.client.broker import Broker
from broker.contract.revocations import RevocationBody
from broker.contract.sessions import RevocationAnswer
from broker.domain.identifiers import AccountId, EngineerId, SessionId, TicketId

Command = TypeVar("Command", bound=Callable[..., object])

_wait = click.option(
    "--wait",
    type=Length(),
    default="60s",
    show_default=True,
    help="How long to wait for AWS to be seen to refuse, as 2m or in seconds; 0 does not wait.",
)


def _ends_much(command: Command) -> Command:
    """Add what commands take that end more than one session."""
    for decorate in (
        click.option("--yes", is_flag=True, help="Do not ask whether you mean it."),
        _wait,
        click.option("--reason", required=True, help="Why; it stands in the ledgers."),
    ):
        command = decorate(command)
    return command


@click.group(cls=Group)
def revoke() -> None:
    """End access: one session, or all of an engineer, a ticket, an account, or everything.

    Ends grants too, except for a single session. Returns when AWS was seen to refuse.

    \b
      broker revoke session s-0123456789abcdef0123
      broker revoke engineer ann@vendor.example --reason "laptop lost"
      broker revoke everything --reason "our own account was entered" --yes
    """


@revoke.command(epilog=EXIT_CODES)
@click.argument("session_id", metavar="SESSION", type=Parsed(SessionId, "session"))
@_wait
@calls_the_broker
def session(*, session_id: SessionId, wait: int, target: Target, as_json: bool) -> None:
    """End one session; its grant stays, and the next session may be opened under it.

    \b
      broker revoke session s-0123456789abcdef0123
      broker sessions revoke s-0123456789abcdef0123   # the same
    """
    with target.broker() as broker:
        with waiting(f"Ending {session_id} …"):
            answer = broker.revoke_session(session_id)
        _told(broker, Ended.one(answer), answer, wait=wait, as_json=as_json)


@revoke.command(epilog=EXIT_CODES)
@click.argument("engineer", type=Parsed(EngineerId, "engineer"))
@_ends_much
@calls_the_broker
def engineer(
    *, engineer: EngineerId, reason: str, wait: int, yes: bool, target: Target, as_json: bool
) -> None:
    """End what an engineer has in every account: grants, requests and sessions.

    They may ask again: take their roles, or their API token, away first.

    \b
      broker revoke engineer ann@vendor.example --reason "laptop lost"
    """
    _confirm(f"End everything that {engineer} has, in every account?", yes=yes)
    body = RevocationBody(engineer=engineer, reason=reason)
    _revoke_many(target, body, wait=wait, as_json=as_json)


@revoke.command(epilog=EXIT_CODES)
@click.argument("ticket", type=Parsed(TicketId, "ticket"))
@_ends_much
@calls_the_broker
def ticket(
    *, ticket: TicketId, reason: str, wait: int, yes: bool, target: Target, as_json: bool
) -> None:
    """End what a ticket led to. The ticket stays as it is: close it to keep it that way.

    \b
      broker revoke ticket T-1042 --reason "opened by mistake"
    """
    _confirm(f"End everything that {ticket} led to?", yes=yes)
    body = RevocationBody(ticket=ticket, reason=reason)
    _revoke_many(target, body, wait=wait, as_json=as_json)


@revoke.command(epilog=EXIT_CODES)
@click.argument("account_id", metavar="ACCOUNT", type=Parsed(AccountId, "account"))
@_ends_much
@calls_the_broker
def account(
    *, account_id: AccountId, reason: str, wait: int, yes: bool, target: Target, as_json: bool
) -> None:
    """End every grant and session of an account, also what no record knows of.

    \b
      broker revoke account 111122223333 --reason "the customer asks for it"
    """
    _confirm(f"End every session in {account_id}?", yes=yes)
    body = RevocationBody(account_id=account_id, reason=reason)
    _revoke_many(target, body, wait=wait, as_json=as_json)


@revoke.command(epilog=EXIT_CODES)
@_ends_much
@calls_the_broker
def everything(*, reason: str, wait: int, yes: bool, target: Target, as_json: bool) -> None:
    """End every grant and session of every account.

    \b
      broker revoke everything --reason "our own account was entered" --yes
    """
    _confirm("End every session of every engineer in every account?", yes=yes)
    body = RevocationBody(everything=True, reason=reason)
    _revoke_many(target, body, wait=wait, as_json=as_json)


def _confirm(question: str, *, yes: bool) -> None:
    if not yes:
        click.confirm(question, abort=True, err=True)


def _revoke_many(target: Target, body: RevocationBody, *, wait: int, as_json: bool) -> None:
    with target.broker() as broker:
        with waiting("Ending access …"):
            answer = broker.revoke_many(body)
        _told(broker, Ended.many(answer), answer, wait=wait, as_json=as_json)


def _told(broker: Broker, ended: Ended, answer: BaseModel, *, wait: int, as_json: bool) -> None:
    """Say what was ended, wait, and say what came of it. Raises CommandFailed where AWS was not
    seen to refuse all of it in time."""
    click.echo(ended.sentence(), err=True)
    reached = watch(broker, ended.sessions, seconds=wait)
    if as_json:
        shown = {each: state.model_dump() for each, state in reached.items()}
        click.echo(json.dumps({**answer.model_dump(mode="json"), "revocations": shown}, indent=2))
    late = [each for each, state in reached.items() if state.state != "effective"]
    if late and wait:
        raise CommandFailed(
            f"AWS was not seen to refuse {len(late)} of {len(reached)} within {wait} s. It is "
            "written down, and the worker goes on; `broker sessions show` says how far it is."
        )
    if not as_json:
        click.echo(_outcome(list(reached.values())))


def _outcome(reached: list[RevocationAnswer]) -> str:
    if not reached:
        return "No live session was found."
    if any(each.state != "effective" for each in reached):
        return "Written down. Whether AWS refuses was not waited for."
    longest = max(each.seconds or 0 for each in reached)
    return f"AWS refuses them: effective within {longest:.1f} s."
