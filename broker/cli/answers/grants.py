"""Grants as `broker requests` prints them, for people."""

from __future__ import annotations

from broker.cli.answers.rows import print_lines, print_members, print_rows, second
from broker.contract.grants import GrantAnswer, GrantPage
from broker.domain.grants import GrantState, Urgency
from broker.domain.times import rfc3339


def print_grant(grant: GrantAnswer) -> None:
    """One member a line, and no line for what there is not."""
    members = (
        ("Grant", grant.id),
        ("State", _state(grant)),
        ("Engineer", grant.engineer),
        ("Account", grant.account_id),
        ("Ticket", grant.ticket),
        ("Access", f"{grant.access}, for {grant.duration_seconds} s"),
        ("Reason", grant.reason),
        ("Asked at", rfc3339(grant.created_at)),
        ("Asked by", grant.requested_by),
        ("Decided by", grant.approver),
        ("Decided at", rfc3339(grant.decided_at) if grant.decided_at else None),
        ("Because", grant.decision_reason),
        ("Lapses" if grant.state is GrantState.REQUESTED else "Ends", rfc3339(grant.expires_at)),
    )
    print_members(members)


def print_grants(page: GrantPage) -> None:
    """A table, one grant a row."""
    if not page.items:
        print_lines(["There is no such grant."])
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
                second(grant.expires_at),
                grant.reason,
            )
            for grant in page.items
        ],
    )


def _state(grant: GrantAnswer) -> str:
    return f"{grant.state}, glass broken" if grant.urgency is Urgency.BREAK_GLASS else grant.state
