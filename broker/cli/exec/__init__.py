"""`broker exec`: a command with credentials that renew themselves while there is access."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from broker.cli.asking import Target, finds_the_broker
from broker.cli.exec.child import end_like, outlived, signals_held, start
from broker.cli.exec.ending import BrokerSessions
from broker.cli.exec.endpoint import serving
from broker.cli.exec.supply import Supply
from broker.cli.exec.surroundings import Hidden, hidden_files, surroundings
from broker.cli.failures import told_by_the_shell
from broker.cli.opening.granted import WithoutGrant, opened, waits_for_a_grant
from broker.cli.opening.picking import named
from broker.cli.opening.wanted import WantedSession, names_a_session
from broker.domain.identifiers import SessionId
from broker.domain.plain_text import plain

_LOOKS_EVERY_SECONDS = 30.0

_EPILOG = (
    "Exit codes: COMMAND's own, 128+n where a signal ended it; before it is started 1 failed "
    "(try again), 2 wrong usage, 3 refused, 126 COMMAND cannot be run, 127 there is none."
)


@click.command(
    epilog=_EPILOG,
    options_metavar="[OPTIONS] --",
    context_settings={"allow_interspersed_args": False},
)
@names_a_session
@waits_for_a_grant
@click.option("--region", help="AWS Region for COMMAND (AWS_REGION, AWS_DEFAULT_REGION).")
@click.option(
    "--revoke",
    is_flag=True,
    help="End the sessions when COMMAND ends. It costs a write in the customer's account and some "
    "seconds; else they end by themselves, and nobody holds them any more.",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@finds_the_broker
def exec(
    *,
    wanted: WantedSession,
    without_grant: WithoutGrant,
    region: str | None,
    revoke: bool,
    command: Sequence[str],
    target: Target,
) -> None:
    """Run COMMAND with AWS credentials for a ticket, which renew themselves.

    AWS SDKs and the AWS CLI fetch the credentials from a port of this machine, with a secret that
    only COMMAND and what it starts are given. They are renewed while ticket and grant are open, are
    nowhere on disk, and are gone when COMMAND ends. When access ends earlier, COMMAND is told why
    at its next request, and so are you.

    COMMAND sees no other AWS credentials of yours (variables, AWS_PROFILE, a default profile that
    names some), and not BROKER_TOKEN. Signals and exit code are as without `broker exec`.

    \b
      broker exec --account 111122223333 --ticket T-1042 -- aws s3 ls
      broker exec --account 111122223333 --ticket T-1042 --region eu-central-1 -- bash
    """
    with target.broker() as broker:
        session = named(wanted, broker)
        first = opened(session, broker, without_grant=without_grant)
    hidden = hidden_files(os.environ)
    _tell_of(hidden)
    supply = Supply(first, BrokerSessions(target.broker, session.body()), tell=_tell)
    # Threads that are started in here leave all signals to this one.
    with signals_held() as mask, serving(supply) as way, _looking(supply):
        environment = surroundings(os.environ, way=way, region=region, hidden=hidden)
        status = outlived(start(command, environment, mask=mask))
    if revoke:
        _revoke(supply.session_ids, target)
    end_like(status)


@contextmanager
def _looking(supply: Supply) -> Iterator[None]:
    """Look now and then whether there still is access, so that its end is told when it comes."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(_LOOKS_EVERY_SECONDS):
            supply.look()

    threading.Thread(target=look, daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _revoke(session_ids: Sequence[SessionId], target: Target) -> None:
    """End what was opened; where that fails it is told, and COMMAND's exit code stays."""
    try:
        with told_by_the_shell(), target.broker() as broker:
            for session_id in session_ids:
                broker.revoke_session(session_id)
    except click.ClickException as e:
        _tell(f"Not all sessions were revoked: {e.format_message()}")


def _tell_of(hidden: Sequence[Hidden]) -> None:
    for each in hidden:
        _tell(
            f"{each.path} names credentials that COMMAND would prefer, so COMMAND does not see "
            "that file."
        )


def _tell(sentence: str) -> None:
    click.echo(f"broker exec: {plain(sentence)}", err=True)
