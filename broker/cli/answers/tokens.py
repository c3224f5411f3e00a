"""API tokens as `broker tokens` prints them, for people."""

from __future__ import annotations

import click
from pydantic import BaseModel

from broker.cli.rows import print_rows


class TokenShown(BaseModel):
    """An API token, as much as is shown; there is no secret in it."""

    id: str
    subject: str
    roles: list[str]
    account_ids: list[str]
    expires_at: str
    revoked_at: str | None
    last_used_at: str | None


class TokensShown(BaseModel):
    """All API tokens that were listed."""

    items: list[TokenShown]


def print_tokens(page: TokensShown) -> None:
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
                token.last_used_at or "never",
                token.expires_at,
                token.revoked_at or "",
            )
            for token in page.items
        ],
    )
