"""API tokens as `broker tokens` prints them, for people."""

from __future__ import annotations

import click

from broker.cli.answers.rows import print_rows, second
from broker.contract.api_tokens import ApiTokenPage


def print_tokens(page: ApiTokenPage) -> None:
    """A table, one API token a row."""
    if not page.items:
        click.echo("There is no API token.")
        return
    print_rows(
        ("Id", "Subject", "Roles", "Accounts", "Last used", "Expires", "Revoked"),
        [
            (
                token.id,
                token.subject,
                ", ".join(token.roles),
                ", ".join(token.account_ids) or "all",
                "never" if token.last_used_at is None else second(token.last_used_at),
                second(token.expires_at),
                "" if token.revoked_at is None else second(token.revoked_at),
            )
            for token in page.items
        ],
    )
