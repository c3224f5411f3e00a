"""Guards: a step is refused where a record that it rests on, but does not write, has changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.domain.grants import GrantState
from broker.domain.identifiers import GrantId
from broker.domain.ledger.entries import chain_of
from broker.domain.ports import Save, Versioned
from broker.errors import Conflict
from broker.store import Store
from tests.contract.store_samples import (
    NOW,
    ONE,
    TWO,
    a_grant,
    a_session,
    an_account,
    an_event,
    records_of,
    write,
)

CHAIN = chain_of(ONE)


def open_under(store: Store, *guards: Versioned[Any]) -> None:
    store.journal.record(
        CHAIN, an_event(), now=NOW, saves=[Save(a_session(), expected=0)], unchanged=guards
    )


def test_what_is_unchanged_lets_the_step_through_and_stays_as_it_is(store: Store) -> None:
    write(store, a_grant())
    open_under(store, Versioned(a_grant(), version=1))
    assert records_of(store.sessions.of_grant(ONE, a_grant().grant_id)) == (a_session(),)
    assert store.grants.get(a_grant().grant_id) == Versioned(a_grant(), version=1)


@pytest.mark.parametrize("version", [0, 2])
def test_a_record_at_another_version_stops_the_step(store: Store, version: int) -> None:
    write(store, a_grant())
    with pytest.raises(Conflict):
        open_under(store, Versioned(a_grant(), version=version))
    assert store.sessions.get(a_session().session_id) is None
    assert store.journal.head(CHAIN).seq == 1


def test_a_record_that_changed_stops_the_step_however_often_it_is_tried(store: Store) -> None:
    write(store, a_grant())
    read = store.grants.get(a_grant().grant_id)
    assert read is not None
    write(store, replace(read.record, decided=GrantState.REVOKED), expected=read.version)
    for _ in range(3):
        with pytest.raises(Conflict):
            open_under(store, read)
    assert store.sessions.of_grant(ONE, a_grant().grant_id) == ()


def test_each_of_several_guards_counts(store: Store) -> None:
    write(store, a_grant(), an_account())
    account = Versioned(an_account(), version=1)
    open_under(store, Versioned(a_grant(), version=1), account)
    with pytest.raises(Conflict):
        open_under(store, account, Versioned(a_grant(), version=7))


def test_a_guard_must_lie_in_the_chain_and_apart_from_what_is_saved(store: Store) -> None:
    with pytest.raises(ValueError, match="chain"):
        open_under(store, Versioned(a_grant(account_id=TWO), version=1))
    with pytest.raises(ValueError, match="once"):
        open_under(store, Versioned(a_session(), version=1))


def test_sessions_of_another_grant_are_not_found_under_it(store: Store) -> None:
    other = GrantId("gr-00000000000000000002")
    write(store, a_session(1), a_session(2, grant_id=other), a_session(3))
    found = store.sessions.of_grant(ONE, a_session().grant_id)
    assert records_of(found) == (a_session(1), a_session(3))
    assert {each.version for each in found} == {1}
