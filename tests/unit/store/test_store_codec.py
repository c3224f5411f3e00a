"""Whatever a record holds, reading it gives what was written."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.accounts import Account, AccountState, Consent, Payer, Profile
from broker.domain.grants import Access, Grant, GrantState
from broker.domain.identifiers import (
    AccountId,
    EngineerId,
    GrantId,
    Identifier,
    IssuerId,
    ServiceName,
    SessionId,
    TicketId,
)
from broker.domain.identity.api_tokens import ApiToken
from broker.domain.identity.permissions import Role
from broker.domain.ledger.entries import Chain, Event, Head, LedgerAction, Outcome, seal
from broker.domain.sessions import Session
from broker.domain.tickets import Ticket, TicketStatus
from broker.errors import DependencyUnavailable
from broker.store import ledger_entries
from broker.store.records import ACCOUNT, API_TOKEN, GRANT, SESSION, TICKET, Codec, encode
from keys.rotation import KeyRecord
from keys.types import (
    Algorithm,
    EcParameters,
    KeyReference,
    KeyState,
    Kid,
    PublicJwk,
    RsaParameters,
)


def ids(kind: type[Identifier]) -> st.SearchStrategy[Any]:
    return st.from_regex(kind.pattern, fullmatch=True).map(kind.parse)


def tuples(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, max_size=3).map(tuple)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NAMES = st.text("abcXYZ019-_", min_size=1, max_size=20)
MOMENTS = st.integers(0, 4_000_000_000_000).map(
    lambda milliseconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
)
MAYBE = st.none() | MOMENTS
JWKS = st.builds(
    PublicJwk,
    st.just(Algorithm.ES256),
    NAMES.map(Kid),
    st.builds(EcParameters, NAMES, NAMES, NAMES),
) | st.builds(
    PublicJwk, st.just(Algorithm.RS256), NAMES.map(Kid), st.builds(RsaParameters, NAMES, NAMES)
)
KEYS = st.builds(
    KeyRecord,
    reference=st.builds(KeyReference, provider=NAMES, locator=TEXT, public_jwk=JWKS),
    state=st.sampled_from(KeyState),
    created_at=MOMENTS,
    published_at=MAYBE,
    activated_at=MAYBE,
    retiring_at=MAYBE,
    retired_at=MAYBE,
)
ACCOUNTS = st.builds(
    Account,
    account_id=ids(AccountId),
    partition=NAMES,
    customer=TEXT,
    payer=st.sampled_from(Payer),
    profile=st.sampled_from(Profile),
    consent=st.sampled_from(Consent),
    state=st.sampled_from(AccountState),
    issuer=TEXT,
    issuer_id=ids(IssuerId),
    external_id=NAMES,
    keys=tuples(KEYS),
    created_at=MOMENTS,
    template_version=st.none() | NAMES,
    last_error=st.none() | TEXT,
)
TICKETS = st.builds(
    Ticket,
    ticket_id=ids(TicketId),
    account_ids=tuples(ids(AccountId)),
    subject=TEXT,
    status=st.sampled_from(TicketStatus),
    assignees=tuples(ids(EngineerId)),
    updated_at=MOMENTS,
)
GRANTS = st.builds(
    Grant,
    grant_id=ids(GrantId),
    account_id=ids(AccountId),
    ticket_id=ids(TicketId),
    engineer=ids(EngineerId),
    access=st.sampled_from(Access),
    reason=TEXT,
    decided=st.sampled_from(GrantState),
    approver=st.none() | TEXT,
    created_at=MOMENTS,
    expires_at=MOMENTS,
)
SESSIONS = st.builds(
    Session,
    session_id=ids(SessionId),
    account_id=ids(AccountId),
    ticket_id=ids(TicketId),
    engineer=ids(EngineerId),
    access=st.sampled_from(Access),
    grant_id=ids(GrantId),
    role_arn=TEXT,
    role_session_name=NAMES,
    access_key_id=NAMES,
    kid=NAMES,
    jti=NAMES,
    services=tuples(ids(ServiceName)),
    issued_at=MOMENTS,
    expires_at=MOMENTS,
    revoked_at=MAYBE,
)
API_TOKENS = st.builds(
    ApiToken,
    token_id=NAMES,
    secret_hash=NAMES,
    subject=TEXT,
    roles=tuples(st.sampled_from(Role)),
    account_ids=tuples(ids(AccountId)),
    created_at=MOMENTS,
    expires_at=MOMENTS,
    revoked_at=MAYBE,
)


@given(ACCOUNTS)
def test_accounts(account: Account) -> None:
    assert ACCOUNT.decode(encode(account)) == account


@given(TICKETS)
def test_tickets(ticket: Ticket) -> None:
    assert TICKET.decode(encode(ticket)) == ticket


@given(GRANTS)
def test_grants(grant: Grant) -> None:
    assert GRANT.decode(encode(grant)) == grant


@given(SESSIONS)
def test_sessions(session: Session) -> None:
    read = SESSION.decode(encode(session))
    assert read == session
    assert type(read.session_id) is SessionId


@given(API_TOKENS)
def test_api_tokens(token: ApiToken) -> None:
    assert API_TOKEN.decode(encode(token)) == token


DETAILS = st.dictionaries(
    NAMES, TEXT | st.integers(-(2**53) + 1, 2**53 - 1) | st.booleans() | st.lists(TEXT, max_size=2)
)


@given(st.dictionaries(NAMES, TEXT), DETAILS, st.none() | TEXT, MOMENTS)
def test_ledger_entries(
    named: dict[str, str], details: dict[str, Any], reason: str | None, at: datetime
) -> None:
    event = Event(
        actor="a",
        action=LedgerAction.CANARY,
        outcome=Outcome.DONE,
        reason=reason,
        ids=named,
        details=details,
    )
    entry = seal(event, chain=Chain("broker"), head=Head(), at=at)
    read = ledger_entries.decode(ledger_entries.encode(entry))
    assert read == entry
    kept, given = (json.dumps(each.details, sort_keys=True) for each in (read, entry))
    assert kept == given, "True must not become 1"


@pytest.mark.parametrize("codec", [ACCOUNT, TICKET, GRANT, SESSION, API_TOKEN])
def test_each_type_refuses_the_others(codec: Codec[Any]) -> None:
    for other in (ACCOUNT, TICKET, GRANT, SESSION, API_TOKEN):
        if other is not codec:
            envelope = json.dumps({"type": other.kind, "schema": other.schema, "body": {}})
            with pytest.raises(DependencyUnavailable) as refused:
                codec.decode(envelope)
            assert codec.kind in str(refused.value.__cause__)
