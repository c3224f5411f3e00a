"""`broker accounts`: customers' accounts over the HTTP API, for operators and for scripts."""

from __future__ import annotations

import click

from broker.cli.accounts.changing import (
    add,
    bucket,
    change,
    consent,
    remove,
    revoke,
    rotate_key,
)
from broker.cli.accounts.looking import list_accounts, plan, show, wait
from broker.cli.accounts.syncing import sync
from broker.cli.grammar.groups import Group


@click.group(cls=Group)
def accounts() -> None:
    """Register customers' accounts, look after them, and remove them.

    \b
      broker accounts add 111122223333 --customer "Harbour Bank"
      broker accounts wait 111122223333
      broker accounts list --state degraded
    """


for _command in (
    add,
    bucket,
    change,
    consent,
    list_accounts,
    plan,
    remove,
    revoke,
    rotate_key,
    show,
    sync,
    wait,
):
    accounts.add_command(_command)
