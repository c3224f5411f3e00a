"""Accounts: issuer ids that are given once for ever, and changes that nobody misses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from broker.domain.identifiers import IssuerId
from broker.domain.ledger.entries import Head, chain_of
from broker.domain.ports import Save
from broker.errors import Conflict
from broker.store import Store
from broker.store.accounts import OVERLAP
from tests.contract.store_samples import NOW, ONE, TWO, account_id, an_account, write

OTHER_ISSUER = IssuerId("b" * 32)


def test_an_account_is_found_by_its_issuer(store: Store) -> None:
    write(store, an_account(ONE))
    assert store.accounts.of_issuer(an_account(ONE).issuer_id) == an_account(ONE)
    assert store.accounts.of_issuer(OTHER_ISSUER) is None


def test_an_issuer_id_is_refused_to_another_account(store: Store) -> None:
    taken = an_account(ONE).issuer_id
    write(store, an_account(ONE))
    with pytest.raises(Conflict):
        write(store, an_account(TWO, issuer_id=taken))
    assert store.accounts.get(TWO) is None
    assert store.journal.head(chain_of(TWO)) == Head()
    assert store.accounts.page(cursor=None, limit=10).items == (an_account(ONE),)


def test_an_issuer_id_stays_taken_when_its_account_has_a_new_one(store: Store) -> None:
    taken = an_account(ONE).issuer_id
    write(store, an_account(ONE))
    write(store, an_account(ONE, issuer_id=OTHER_ISSUER), expected=1)
    assert store.accounts.of_issuer(taken) is None
    assert store.accounts.of_issuer(OTHER_ISSUER) is not None
    with pytest.raises(Conflict):
        write(store, an_account(TWO, issuer_id=taken))


def test_of_many_accounts_that_want_one_issuer_id_one_gets_it(store: Store) -> None:
    def register(number: int) -> bool:
        try:
            write(store, an_account(account_id(number), issuer_id=OTHER_ISSUER))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(register, range(8))) == [False] * 7 + [True]


def now_on(store: Store) -> int:
    """A revision that lies before nothing yet written."""
    return store.accounts.changed_since(0)[0] + OVERLAP


def test_revision_zero_gives_every_account(store: Store) -> None:
    write(store, an_account(TWO))
    write(store, an_account(ONE))
    assert set(store.accounts.changed_since(0)[1]) == {ONE, TWO}


def test_only_what_changed_is_reported(store: Store) -> None:
    write(store, an_account(ONE))
    write(store, an_account(TWO))
    revision = now_on(store)
    assert store.accounts.changed_since(revision) == (revision, ())
    write(store, an_account(TWO, customer="Renamed"), expected=1)
    assert store.accounts.changed_since(revision)[1] == (TWO,)


def test_a_change_that_was_announced_when_somebody_asked_is_reported_again(store: Store) -> None:
    """Who asks between the announcement and the write reads the old record, and must come back."""
    revision = now_on(store)
    store.journal._announcements.announce(Save(an_account(ONE), 0), now=NOW)
    following, first = store.accounts.changed_since(revision)
    assert first == (ONE,)
    assert store.accounts.changed_since(following)[1] == (ONE,)
