"""Grants as `broker requests` prints them, for people."""

from __future__ import annotations

from pydantic import BaseModel
from rich.console import Console
from rich.text import Text

from broker.cli.rows import print_rows


class GrantShown(BaseModel):
    """A grant, as much as is shown; `--json` prints the whole answer."""

    id: str
    account_id: str
    ticket: str
    engineer: str
    access: str
    reason: str
    urgency: str
    state: str
    duration_seconds: int
    requested_by: str | None
    approver: str | None
    created_at: str
    decided_at: str | None
    decision_reason: str | None
    expires_at: str


class GrantsShown(BaseModel):
    """All grants that were listed."""

    items: list[GrantShown]


def print_grant(grant: GrantShown) -> None:
    """One member a line, and no line for what there is not."""
    members = (
        ("Grant", grant.id),
        ("State", _state(grant)),
        ("Engineer", grant.engineer),
        ("Account", grant.account_id),
        ("Ticket", grant.ticket),
        ("Access", f"{grant.access}, for {grant.duration_seconds} s"),
        ("Reason", grant.reason),
        ("Asked at", grant.created_at),
        ("Asked by", grant.requested_by),
        ("Decided by", grant.approver),
        ("Decided at", grant.decided_at),
        ("Because", grant.decision_reason),
        ("Lapses" if grant.state == "requested" else "Ends", grant.expires_at),
    )
    width = max(len(name) for name, _ in members)
    console = _console()
    for name, value in members:
        if value:
            console.print(Text.assemble((f"{name:<{width}}  ", "dim"), value))


def print_grants(page: GrantsShown) -> None:
    """A table, one grant a row."""
    if not page.items:
        _console().print(Text("There is no such grant."))
        return
    print_rows(
        ("Grant", "State", "Engineer", "Account", "Ticket", "Ends", "Reason"),
        [
            (
                grant.id,
                _state(grant),
                grant.engineer,
                grant.account_id,
                grant.ticket,
                grant.expires_at,
                grant.reason,
            )
            for grant in page.items
        ],
    )


def _state(grant: GrantShown) -> str:
    return f"{grant.state}, glass broken" if grant.urgency == "break_glass" else grant.state


def _console() -> Console:
    """Lines are not folded: an id must stay whole to be copied."""
    return Console(soft_wrap=True, highlight=False)
