"""API tokens as `broker tokens` prints them, for people."""

from __future__ import annotations

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text


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
    table = Table("Id", "Subject", "Roles", "Accounts", "Last used", "Expires", "Revoked", box=None)
    for token in page.items:
        cells = (
            token.id,
            token.subject,
            ", ".join(token.roles),
            ", ".join(token.account_ids) or "all",
            token.last_used_at or "never",
            token.expires_at,
            token.revoked_at or "",
        )
        table.add_row(*map(Text, cells))
    console = Console(highlight=False)
    console.print(table if page.items else Text("There is no API token."))
