"""A pass that ends well does not undo what was written while it ran."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from broker.domain.accounts import Account, AccountState, Consent, Payer, Profile
from broker.domain.identity.permissions import Caller, Role
from broker.domain.ports import Versioned
from broker.domain.revocations import Revocations
from broker.errors import UpstreamRejected
from broker.services.calls import Call
from broker.services.lifecycle.settling import FULL_CHECK_EVERY, Settling
from tests.unit.domain.making import NOW, account

CALL = Call(
    caller=Caller(subject="broker:worker", roles=frozenset({Role.ADMIN})),
    request_id="tests",
    source_address="local",
)
A_DAY = timedelta(days=1)
LEAVING = (AccountState.REMOVING, AccountState.REMOVED)


def settling(stored: Account) -> Settling:
    """One that finds `stored`; what it writes is what it returns."""
    return Settling(
        journal=SimpleNamespace(record=lambda *_, **__: ()),
        accounts=SimpleNamespace(get=lambda _: Versioned(stored, 7)),
        retry_after=lambda _: timedelta(minutes=1),
        keys_due=lambda _: NOW + A_DAY,
        clock=lambda: NOW,
    )


def test_an_account_that_is_as_planned_is_looked_at_in_its_turn():
    """Nothing was written meanwhile but the state of the pass itself."""
    planned = account(state=AccountState.PROVISIONING)
    settled = settling(planned).well(planned, AccountState.ACTIVE, CALL)
    assert settled.state is AccountState.ACTIVE
    assert settled.next_check_at == NOW + FULL_CHECK_EVERY


@pytest.mark.parametrize("state", LEAVING)
def test_a_removal_that_was_asked_for_meanwhile_goes_on(state):
    """Else a pass that began before would bring the account back to life."""
    leaving = account(state=state, next_check_at=NOW)
    assert settling(leaving).well(account(), AccountState.ACTIVE, CALL) == leaving


@pytest.mark.parametrize("state", LEAVING)
def test_a_pass_that_fails_late_does_not_undo_a_removal(state):
    """Nor does one that AWS refuses, since the removal took its roles away."""
    leaving = account(state=state)
    settled = settling(leaving).badly(leaving.account_id, UpstreamRejected("No."), CALL)
    assert settled.state is state


WANTED_SINCE = {
    "a revocation": {"revocations": Revocations(issued_before=NOW, until=NOW + A_DAY)},
    "consent off": {"consent": Consent.OFF},
    "another profile": {"profile": Profile.FULL},
    "another payer": {"payer": Payer.YES},
}


@pytest.mark.parametrize("changes", WANTED_SINCE.values(), ids=WANTED_SINCE.keys())
def test_what_is_wanted_since_the_plan_is_due_at_once(changes):
    """The pass did not bring it about, and may have overwritten who did."""
    stored = account(next_check_at=NOW, **changes)
    settled = settling(stored).well(account(), AccountState.ACTIVE, CALL)
    assert settled.next_check_at == NOW
    assert settled == stored
