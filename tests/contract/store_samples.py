"""Records and events to write into a store, each as small as its test needs."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from broker.domain.accounts import Account, AccountState, Consent, Payer, Profile
from broker.domain.grants import Access, Grant, GrantState
from broker.domain.hooks.records import Hook, HookKind, hook_id_of
from broker.domain.identifiers import (
    AccountId,
    EngineerId,
    GrantId,
    IssuerId,
    ServiceName,
    SessionId,
    TicketId,
)
from broker.domain.identity.api_tokens import ApiToken
from broker.domain.identity.permissions import Role
from broker.domain.ledger.entries import BROKER_CHAIN, Chain, Event, LedgerAction, Outcome, chain_of
from broker.domain.ports import Record, Save, Versioned
from broker.domain.sessions import Session
from broker.domain.tickets import Ticket, TicketStatus
from broker.store import Store
from keys.rotation import KeyRecord
from keys.types import Algorithm, EcParameters, KeyReference, KeyState, Kid, PublicJwk

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ANN = EngineerId("ann@example.com")


def account_id(number: int) -> AccountId:
    return AccountId.parse(f"{number:012d}")


ONE, TWO = account_id(1), account_id(2)


def an_event(**ids: str) -> Event:
    return Event(
        actor="test", action=LedgerAction.ACCOUNT_CHANGED, outcome=Outcome.DONE, ids=ids, details={}
    )


def a_key(name: str = "first") -> KeyRecord:
    jwk = PublicJwk(Algorithm.ES256, Kid(name), EcParameters(crv="P-256", x="eA", y="eQ"))
    return KeyRecord(
        reference=KeyReference(provider="local", locator=name, public_jwk=jwk),
        state=KeyState.ACTIVE,
        created_at=NOW,
        published_at=NOW,
        activated_at=NOW,
    )


def an_account(of: AccountId = ONE, **changes: Any) -> Account:
    account = Account(
        account_id=of,
        partition="aws",
        customer="Example Ltd",
        payer=Payer.NO,
        profile=Profile.METADATA,
        consent=Consent.STANDING,
        state=AccountState.ACTIVE,
        issuer=f"https://broker.example.com/oidc/{of}",
        issuer_id=IssuerId.parse(f"{of}{'a' * 20}"),
        external_id="external",
        keys=(a_key(),),
        created_at=NOW,
    )
    return replace(account, **changes)


def a_ticket(number: int = 1, **changes: Any) -> Ticket:
    ticket = Ticket(
        ticket_id=TicketId.parse(f"T-{number:04d}"),
        account_ids=(ONE, TWO),
        subject="The instance of Jürgen does not start",
        status=TicketStatus.OPEN,
        assignees=(ANN,),
        updated_at=NOW,
    )
    return replace(ticket, **changes)


def a_grant(number: int = 1, **changes: Any) -> Grant:
    grant = Grant(
        grant_id=GrantId.parse(f"gr-{number:020x}"),
        account_id=ONE,
        ticket_id=TicketId("T-0001"),
        engineer=ANN,
        access=Access.READ,
        reason="to look",
        decided=GrantState.APPROVED,
        approver=None,
        created_at=NOW,
        expires_at=NOW + timedelta(hours=1),
    )
    return replace(grant, **changes)


def a_session(number: int = 1, **changes: Any) -> Session:
    session = Session(
        session_id=SessionId.parse(f"s-{number:020x}"),
        account_id=ONE,
        ticket_id=TicketId("T-0001"),
        engineer=ANN,
        access=Access.CASE,
        grant_id=GrantId("gr-00000000000000000001"),
        role_arn="arn:aws:iam::000000000001:role/Example",
        role_session_name="ann@T-0001",
        access_key_id="ASIAEXAMPLE",
        kid="kid",
        jti="jti",
        services=(ServiceName("ec2"),),
        issued_at=NOW,
        expires_at=NOW + timedelta(hours=1),
    )
    return replace(session, **changes)


def an_api_token(number: int = 1, **changes: Any) -> ApiToken:
    token = ApiToken(
        token_id=f"{number:012x}",
        secret_hash="0" * 64,
        subject="console",
        roles=(Role.CONSOLE, Role.AUDITOR),
        account_ids=(ONE,),
        created_at=NOW,
        expires_at=NOW + timedelta(days=30),
    )
    return replace(token, **changes)


def a_hook(number: int = 1, **changes: Any) -> Hook:
    stack_id = f"arn:aws:cloudformation:us-east-1:{ONE}:stack/support/1"
    hook = Hook(
        hook_id=hook_id_of(stack_id=stack_id, request_id=str(number)),
        kind=HookKind.CREATE,
        stack_id=stack_id,
        request_id=str(number),
        logical_resource_id="Hook",
        physical_resource_id=None,
        account_id=ONE,
        template_version=None,
        response_url="https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/1",
        received_at=NOW,
        next_try_at=NOW,
    )
    return replace(hook, **changes)


def chain_for(record: Record) -> Chain:
    if isinstance(record, Ticket | ApiToken | Hook):
        return BROKER_CHAIN
    return chain_of(record.account_id)


def write(store: Store, *records: Record, expected: int = 0) -> None:
    """Write records of one chain, with one event."""
    store.journal.record(
        chain_for(records[0]),
        an_event(),
        now=NOW,
        saves=[Save(record, expected) for record in records],
    )


R = TypeVar("R", bound=Record)


def records_of(found: Iterable[Versioned[R]]) -> tuple[R, ...]:
    """What was found, without its versions."""
    return tuple(each.record for each in found)


def a_namespace() -> str:
    """A part of the server that nobody else writes to."""
    return f"test-{secrets.token_hex(6)}"
