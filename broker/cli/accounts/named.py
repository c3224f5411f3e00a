"""The account that a command is about."""

from __future__ import annotations

import click

from broker.cli.grammar.parsed import Parsed
from broker.domain.identifiers import AccountId

ACCOUNT = Parsed(AccountId, "account")

account = click.argument("account_id", metavar="ACCOUNT", type=ACCOUNT)
