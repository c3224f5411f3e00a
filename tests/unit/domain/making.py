"""Records for the tests of the domain, each good as it is and easy to spoil."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from broker.domain.accounts import Account, AccountState, Consent, Payer, Profile
from broker.domain.grants import Access, Grant, GrantState
from broker.domain.identifiers import (
    AccountId,
    EngineerId,
    GrantId,
    IssuerId,
    TicketId,
)
from broker.domain.identity.permissions import Caller, Role
from broker.domain.sessions import SessionRequest
from broker.domain.tickets import Ticket, TicketStatus

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ACCOUNT = AccountId("111122223333")
OTHER_ACCOUNT = AccountId("444455556666")
JANE = EngineerId("jane@vendor.example")
JOHN = EngineerId("john@vendor.example")
TICKET = TicketId("T-1042")
ISSUER = "https://broker.example.com/oidc/" + "a" * 32


def account(**changes: object) -> Account:
    """An active account under standing consent."""
    made = Account(
        account_id=ACCOUNT,
        partition="aws",
        customer="Acme",
        payer=Payer.NO,
        profile=Profile.METADATA,
        consent=Consent.STANDING,
        state=AccountState.ACTIVE,
        issuer=ISSUER,
        issuer_id=IssuerId("a" * 32),
        external_id="e" * 40,
        keys=(),
        created_at=NOW,
    )
    return replace(made, **changes)


def ticket(**changes: object) -> Ticket:
    """An open ticket for the account, assigned to nobody."""
    made = Ticket(
        ticket_id=TICKET,
        account_ids=(ACCOUNT,),
        subject="",
        status=TicketStatus.OPEN,
        assignees=(),
        updated_at=NOW,
    )
    return replace(made, **changes)


def grant(**changes: object) -> Grant:
    """Jane's approved grant, good for eight more hours."""
    made = Grant(
        grant_id=GrantId("gr-" + "0" * 20),
        account_id=ACCOUNT,
        ticket_id=TICKET,
        engineer=JANE,
        access=Access.READ,
        reason="",
        decided=GrantState.APPROVED,
        approver="acme",
        created_at=NOW,
        expires_at=NOW + timedelta(hours=8),
    )
    return replace(made, **changes)


def request(**changes: object) -> SessionRequest:
    """Jane asks for an hour of reading."""
    made = SessionRequest(
        account_id=ACCOUNT,
        ticket_id=TICKET,
        engineer=JANE,
        reason="",
        access=Access.READ,
        duration=timedelta(hours=1),
    )
    return replace(made, **changes)


def caller(*roles: Role, subject: str = JANE, accounts: tuple[AccountId, ...] = ()) -> Caller:
    """A caller with these roles; Jane unless said otherwise."""
    return Caller(subject=subject, roles=frozenset(roles), account_ids=frozenset(accounts))
