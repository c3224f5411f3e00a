"""The account, the token and the ledger's records that the benchmarks work on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from broker.domain.accounts import Account, AccountState, Consent, Payer, Profile, subject_of
from broker.domain.claims import TokenSubject
from broker.domain.grants import BY_POLICY, Access, Grant, GrantState
from broker.domain.identifiers import (
    AccountId,
    EngineerId,
    GrantId,
    IssuerId,
    SessionId,
    TicketId,
)
from broker.domain.ledger.entries import Event, LedgerAction, Outcome
from keys.rotation import KeyRecord
from keys.types import KeyReference, KeyState

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ACCOUNT_ID = AccountId.parse("111122223333")
ENGINEER = EngineerId.parse("ann@example.com")
TICKET_ID = TicketId.parse("T-1000")
_ISSUER_ID = IssuerId.parse("0" * 32)
_ISSUER = f"https://broker.example.com/oidc/{_ISSUER_ID}"

SUBJECT = TokenSubject(
    issuer=_ISSUER,
    subject=subject_of(ACCOUNT_ID),
    role_arn=f"arn:aws:iam::{ACCOUNT_ID}:role/Acme-Support-ReadOnly",
    engineer=ENGINEER,
    ticket_id=TICKET_ID,
    session_id=SessionId.parse(f"s-{0:020x}"),
    jti="0" * 32,
)


def account_with(key: KeyReference) -> Account:
    """An active account that signs with this key."""
    return Account(
        account_id=ACCOUNT_ID,
        partition="aws",
        customer="Example Ltd",
        payer=Payer.NO,
        profile=Profile.METADATA,
        consent=Consent.STANDING,
        state=AccountState.ACTIVE,
        issuer=_ISSUER,
        issuer_id=_ISSUER_ID,
        external_id="external",
        keys=(
            KeyRecord(
                reference=key,
                state=KeyState.ACTIVE,
                created_at=NOW,
                published_at=NOW,
                activated_at=NOW,
            ),
        ),
        created_at=NOW,
    )


def grant(account_id: AccountId, number: int) -> Grant:
    """The n-th grant of an account."""
    return Grant(
        grant_id=GrantId.parse(f"gr-{number:020x}"),
        account_id=account_id,
        ticket_id=TICKET_ID,
        engineer=ENGINEER,
        access=Access.READ,
        reason="The instances do not start any more",
        decided=GrantState.APPROVED,
        approver=BY_POLICY,
        created_at=NOW,
        expires_at=NOW + timedelta(hours=12),
    )


def granted(made: Grant) -> Event:
    """What the ledger is told of a grant."""
    return Event(
        actor=ENGINEER,
        action=LedgerAction.GRANT_DECIDED,
        outcome=Outcome.DONE,
        reason=made.reason,
        ids={"request": "0" * 24, "ticket": made.ticket_id, "grant": made.grant_id},
        details={"source_address": "192.0.2.1", "approver": BY_POLICY, "engineer": ENGINEER},
    )
