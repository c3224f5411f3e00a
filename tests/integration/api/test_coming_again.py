"""A customer who left may come again: as new, with an issuer that nobody used before."""

from __future__ import annotations

from dataclasses import replace

from broker.domain.accounts import AccountState
from broker.domain.identifiers import AccountId
from broker.domain.ledger import Event, LedgerAction, Outcome, chain_of
from broker.domain.ports import Save
from broker.services.ambient import utc_now
from keys.types import KeyState
from tests.integration.api.world import World, assert_problem

LEFT = AccountId("505050505050")
BODY = {"account_id": LEFT, "customer": "Back Again"}


def left(world: World, key_state: KeyState) -> None:
    """The account is removed; its keys are in this state."""
    store = world.services.store
    stored = store.accounts.get(LEFT)
    keys = tuple(replace(key, state=key_state) for key in stored.record.keys)
    gone = replace(stored.record, state=AccountState.REMOVED, keys=keys, next_check_at=None)
    event = Event(actor="test", action=LedgerAction.ACCOUNT_REMOVED, outcome=Outcome.DONE)
    saves = [Save(gone, expected=stored.version)]
    store.journal.record(chain_of(LEFT), event, now=utc_now(), saves=saves)


def test_a_removed_account_is_registered_as_new(world: World):
    """New issuer, new ExternalId, new keys; the chain goes on; the old issuer answers no more."""
    console = world.inside("console")
    first = console.post("/v1/accounts", json=BODY).raise_for_status().json()
    assert_problem(console.post("/v1/accounts", json=BODY), 409, "already_registered")
    left(world, KeyState.RETIRING)
    assert_problem(console.post("/v1/accounts", json=BODY), 409, "already_registered")
    left(world, KeyState.RETIRED)
    again = console.post("/v1/accounts", json=BODY).raise_for_status().json()
    for member in ("issuer", "external_id", "keys"):
        assert again[member] != first[member]
    assert [key["state"] for key in again["keys"]] == ["active", "published"]
    old = first["issuer"].rpartition("/")[2]
    assert world.services.issuers.look_up(old) is None
    new = again["issuer"].rpartition("/")[2]
    assert world.services.issuers.look_up(new) is not None
