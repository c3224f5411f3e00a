"""What changes while AWS is asked counts: no credentials leave for an account switched off."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from broker.domain.accounts import Consent
from broker.domain.identifiers import AccountId
from broker.domain.ledger import Event, LedgerAction, Outcome, chain_of
from broker.domain.ports import Save
from broker.services.ambient import utc_now
from tests.integration.api.world import ACCOUNT, ENGINEER, TICKET, World


@dataclass(frozen=True)
class SlowAws:
    """The real exchange, during which something happens."""

    exchanged: Any
    meanwhile: Any

    def exchange(self, **asked: Any) -> Any:
        credentials = self.exchanged.exchange(**asked)
        self.meanwhile()
        return credentials


def test_consent_switched_off_during_the_exchange_withholds_the_credentials(world: World):
    """The customer's word counts to the last moment (promise 6), and the ledger shows it."""
    store = world.services.store
    account_id = AccountId(ACCOUNT)

    def write(consent: Consent) -> None:
        stored = store.accounts.get(account_id)
        event = Event(actor="test", action=LedgerAction.ACCOUNT_CHANGED, outcome=Outcome.DONE)
        changed = replace(stored.record, consent=consent)
        saves = [Save(changed, expected=stored.version)]
        store.journal.record(chain_of(account_id), event, now=utc_now(), saves=saves)

    use_case = world.services.open_session
    slow = SlowAws(use_case.exchange, lambda: write(Consent.OFF))
    services = replace(world.services, open_session=replace(use_case, exchange=slow))
    try:
        answer = world.inside_of(services, ENGINEER).post(
            "/v1/sessions", json={"account_id": ACCOUNT, "ticket": TICKET}
        )
    finally:
        write(Consent.STANDING)
    assert answer.json()["code"] == "consent_off"
    assert "credentials" not in answer.json()
    head = store.journal.head(chain_of(account_id))
    last = store.journal.entries(chain_of(account_id), after=head.seq - 3, limit=3)
    assert [(entry.action, entry.outcome, entry.reason) for entry in last][1] == (
        LedgerAction.SESSION_OPENED,
        Outcome.FAILED,
        "consent_off",
    )
