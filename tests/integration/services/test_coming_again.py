"""A customer who left may come again: as new, with an issuer that nobody used before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from broker.domain.accounts import Account, AccountState, Consent, Payer, Profile
from broker.domain.identifiers import AccountId
from broker.domain.identity.permissions import Caller, Role
from broker.domain.ledger.entries import Event, LedgerAction, Outcome, chain_of
from broker.domain.ports import Save
from broker.errors import Conflict
from broker.services.ambient import utc_now
from broker.services.calls import Call
from broker.services.lifecycle.accounts import NewAccount
from broker.services.observations import Unobserved
from broker.settings import load
from broker.wiring import Services, build
from keys.types import KeyState

ACCOUNT = AccountId("505050505050")
NEW = NewAccount(
    account_id=ACCOUNT,
    customer="Back Again",
    payer=Payer.NO,
    profile=Profile.METADATA,
    consent=Consent.STANDING,
)
CONSOLE = Call(
    caller=Caller(subject="console", roles=frozenset({Role.CONSOLE})),
    request_id="tests",
    source_address="local",
)


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """The real services on a store and keys of their own; no AWS is asked."""
    settings = load(
        {
            "BROKER_ISSUER_URL": "https://broker.example.com",
            "BROKER_VENDOR_ACCOUNT_ID": "999900001111",
            "BROKER_STORE_URL": f"embedded:{tmp_path / 'store'}",
            "BROKER_KEY_PROVIDER": "local",
            "BROKER_LOCAL_KEYS_FOLDER": str(tmp_path / "keys"),
            "BROKER_LOCAL_KEYS_PASSPHRASE": "a passphrase of the tests",
            "BROKER_ALLOW_LOCAL_KEYS_FOR_PUBLIC_ISSUER": "true",
        }
    )
    built = build(settings, Unobserved())
    yield built
    built.close()


def left(services: Services, key_state: KeyState) -> None:
    """The account is removed; its keys are in this state."""
    stored = services.store.accounts.get(ACCOUNT)
    assert stored is not None
    keys = tuple(replace(key, state=key_state) for key in stored.record.keys)
    gone = replace(stored.record, state=AccountState.REMOVED, keys=keys, next_check_at=None)
    event = Event(actor="tests", action=LedgerAction.ACCOUNT_REMOVED, outcome=Outcome.DONE)
    saves = [Save(gone, expected=stored.version)]
    services.store.journal.record(chain_of(ACCOUNT), event, now=utc_now(), saves=saves)


def test_a_removed_account_is_registered_as_new(services: Services) -> None:
    """New issuer, ExternalId and keys, once the old issuer is closed; the old one stays closed."""
    first = services.accounts.register(NEW, CONSOLE)
    for state in (None, KeyState.RETIRING):
        if state is not None:
            left(services, state)
        with pytest.raises(Conflict) as refused:
            services.accounts.register(NEW, CONSOLE)
        assert refused.value.code == "already_registered"
    left(services, KeyState.RETIRED)
    again = services.accounts.register(NEW, CONSOLE)
    assert _identity(again).isdisjoint(_identity(first))
    assert [key.state for key in again.keys] == [KeyState.ACTIVE, KeyState.PUBLISHED]
    assert services.issuers.look_up(first.issuer_id) is None
    assert services.issuers.look_up(again.issuer_id) is not None


def _identity(account: Account) -> set[str]:
    return {account.issuer, account.external_id, *(key.kid for key in account.keys)}
