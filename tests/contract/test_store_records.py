"""Every record comes back as it was written, and only if this code knows what it is."""

from __future__ import annotations

import pytest

from broker.domain.ports import Versioned
from broker.errors import DependencyUnavailable
from broker.store import Store
from tests.contract.store_samples import (
    ONE,
    TWO,
    a_grant,
    a_session,
    a_ticket,
    an_account,
    an_api_token,
    records_of,
    write,
)


def test_an_account_comes_back_with_its_version(store: Store) -> None:
    account = an_account()
    write(store, account)
    assert store.accounts.get(account.account_id) == Versioned(account, 1)


def test_a_ticket_comes_back_with_its_version(store: Store) -> None:
    ticket = a_ticket()
    write(store, ticket)
    assert store.tickets.get(ticket.ticket_id) == Versioned(ticket, 1)


def test_a_session_comes_back_with_its_version(store: Store) -> None:
    session = a_session()
    write(store, session)
    assert store.sessions.get(session.session_id) == Versioned(session, 1)


def test_an_api_token_comes_back_with_its_version(store: Store) -> None:
    token = an_api_token()
    write(store, token)
    assert store.api_tokens.get(token.token_id) == Versioned(token, 1)


def test_a_grant_comes_back(store: Store) -> None:
    grant = a_grant()
    write(store, grant)
    assert records_of(store.grants.of_engineer(grant.account_id, grant.engineer)) == (grant,)


def test_nothing_comes_back_where_nothing_was_written(store: Store) -> None:
    assert store.accounts.get(ONE) is None
    assert store.tickets.get(a_ticket().ticket_id) is None
    assert store.sessions.get(a_session().session_id) is None
    assert store.api_tokens.get(an_api_token().token_id) is None
    assert records_of(store.grants.of_engineer(ONE, a_grant().engineer)) == ()


def test_each_write_counts_the_version_up(store: Store) -> None:
    write(store, a_ticket(subject="first"))
    write(store, a_ticket(subject="second"), expected=1)
    found = store.tickets.get(a_ticket().ticket_id)
    assert found == Versioned(a_ticket(subject="second"), 2)


@pytest.mark.parametrize(
    "stored",
    [
        '{"type":"account","schema":2,"body":{}}',
        '{"type":"ticket","schema":1,"body":{}}',
        '{"type":"account","schema":1,"body":{"account_id":"12"}}',
        '{"account_id":"000000000002"}',
        "[]",
        "not JSON",
    ],
)
def test_what_this_code_does_not_know_is_refused(store: Store, stored: str) -> None:
    key = store.accounts._keyspace.account(TWO)
    store._connection.send("HSET", key, "version", 1, "record", stored)
    with pytest.raises(DependencyUnavailable) as refused:
        store.accounts.get(TWO)
    assert refused.value.code == "store_unavailable"
    assert refused.value.__cause__ is not None


def test_accounts_share_no_key(store: Store, store_namespace: str) -> None:
    """One account's keys carry its hash tag, so that they share a slot of a cluster."""
    write(store, an_account(ONE), a_grant(), a_session())
    keys = store._connection.send("KEYS", f"brk:{store_namespace}:*")
    assert keys
    assert all(f"{{{ONE}}}" in key or "{broker}" in key for key in keys)
