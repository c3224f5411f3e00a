"""`broker demo`: the whole system on this machine, told step by step."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import click

from broker.cli.failures import CommandFailed

_PORT = click.IntRange(0, 65535)


@click.command(
    epilog="Exit codes: 0 every step held, 1 a step did not hold or the stage could not be set, "
    "2 wrong usage."
)
@click.option(
    "--once", is_flag=True, help="Tell the story, check each step, stop everything and end."
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=".demo",
    show_default=True,
    help="For store, log and env file; what an earlier demo left there is deleted.",
)
@click.option(
    "--port",
    type=_PORT,
    default=8080,
    show_default=True,
    metavar="PORT",
    help="Where the broker listens, or any other port if it is taken; 0 is any.",
)
@click.option(
    "--sandbox-port",
    type=_PORT,
    default=8081,
    show_default=True,
    metavar="PORT",
    help="The same for the sandbox.",
)
def demo(*, once: bool, folder: Path, port: int, sandbox_port: int) -> None:
    """See the broker at work, with a sandbox in place of AWS.

    Starts both on loopback addresses, onboards two customers, and tells step by step what was
    expected and what came: an engineer's session for a ticket, what the AWS CLI may do with its
    credentials and what not, tokens that AWS refuses, requests that the broker refuses, and the
    ledger of it all. Then it serves until Ctrl-C, for you to try:

    \b
      broker demo
      broker demo --once
    \b
    In another shell:
      . .demo/env
      broker exec --account $DEMO_ACCOUNT_ID --ticket $DEMO_TICKET -- aws s3 ls
      eval "$(broker get --account $DEMO_ACCOUNT_ID --ticket $DEMO_TICKET)"
      aws sts get-caller-identity

    People sign in to the pages by one click on their name: the sandbox stands in for your
    OpenID provider.

    .demo/env also holds API tokens of other roles: BROKER_ADMIN_TOKEN, BROKER_ENGINEER_TOKEN,
    BROKER_APPROVER_TOKEN, BROKER_BREAK_GLASS_TOKEN, BROKER_CONSOLE_TOKEN, BROKER_CUSTOMER_TOKEN
    and BROKER_AUDITOR_TOKEN. .demo/operator holds what the broker itself runs with, for
    `broker doctor`, `keys`, `webhooks` and `tokens create`.
    """
    _require_what_it_plays_with()
    # The demo pulls in half of the system, which no other command should wait for.
    from broker.cli.demo import performance  # noqa: PLC0415
    from broker.cli.demo.chapters import STORY  # noqa: PLC0415
    from broker.cli.demo.folder import FolderRefused  # noqa: PLC0415
    from broker.cli.demo.stage import StageError  # noqa: PLC0415
    from broker.cli.demo.telling import Telling  # noqa: PLC0415

    place = performance.Place(folder=folder, port=port, sandbox_port=sandbox_port)
    afterwards = performance.Afterwards.STOP if once else performance.Afterwards.SERVE
    try:
        outcome = performance.perform(
            STORY, place=place, afterwards=afterwards, telling=Telling.on_standard_output()
        )
    except (FolderRefused, StageError) as e:
        raise CommandFailed(str(e)) from e
    sys.exit(outcome)


def _require_what_it_plays_with() -> None:
    """The sandbox and the AWS CLI are not among what production installs."""
    has_aws_cli = Path(sys.executable).with_name("aws").exists()
    if find_spec("moto") is None or not has_aws_cli:
        raise CommandFailed(
            "The demo needs the sandbox and the AWS CLI, which production does without: "
            "`make install`, or pip install 'support-access-broker[sandbox,dev]'."
        )
