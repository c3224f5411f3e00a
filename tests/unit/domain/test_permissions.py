"""The table of permissions: no role may do more than it says."""

from __future__ import annotations

import pytest

from broker.domain.identity.permissions import (
    PERMITTED,
    Action,
    Condition,
    Role,
    Visibility,
    may_ever,
    permits,
    visibility,
)
from tests.unit.domain.making import ACCOUNT, JANE, JOHN, OTHER_ACCOUNT, caller


def test_every_action_stands_in_the_table():
    """An action that nobody decided about would be a gap."""
    assert set(PERMITTED) == set(Action)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", Role)
def test_a_role_may_do_exactly_what_the_table_says(role, action):
    """With everything in its favour a role may do what is in its row, and nothing else."""
    everything = caller(role, accounts=(ACCOUNT,))
    expected = role in PERMITTED[action]
    assert (
        permits(everything, action, account_id=ACCOUNT, engineer=JANE, assignees=(JANE,))
        is expected
    )
    assert may_ever(everything, action) is expected


@pytest.mark.parametrize("action", Action)
def test_nobody_without_a_role_may_do_anything(action):
    """No roles, no permissions."""
    assert not permits(caller(), action, account_id=ACCOUNT, engineer=JANE)
    assert visibility(caller(), action) is None


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", Role)
def test_a_bound_caller_touches_nothing_elsewhere(role, action):
    """A binding to accounts excludes other accounts, and what belongs to no account."""
    bound = caller(role, accounts=(ACCOUNT,))
    assert not permits(bound, action, account_id=OTHER_ACCOUNT, engineer=JANE)
    assert not permits(bound, action, engineer=JANE)


def test_a_customer_without_accounts_has_none():
    """An unbound customer's token is good for nothing but asking who it is."""
    unbound = caller(Role.CUSTOMER)
    allowed = {a for a in Action if permits(unbound, a, account_id=ACCOUNT, engineer=JANE)}
    assert allowed == {Action.READ_SELF}
    assert visibility(unbound, Action.READ_ACCOUNT) == Visibility(frozenset(), None)


def test_an_engineer_opens_own_sessions_only():
    """`own` compares the engineer with the caller."""
    engineer = caller(Role.ENGINEER)
    assert permits(engineer, Action.OPEN_SESSION, account_id=ACCOUNT, engineer=JANE)
    assert not permits(engineer, Action.OPEN_SESSION, account_id=ACCOUNT, engineer=JOHN)
    assert visibility(engineer, Action.READ_SESSION) == Visibility(None, JANE)


def test_an_engineer_reads_assigned_tickets_only():
    """A ticket without assignees is everybody's; without a ticket nothing is assigned."""
    engineer = caller(Role.ENGINEER)
    assert permits(engineer, Action.READ_TICKET, assignees=())
    assert permits(engineer, Action.READ_TICKET, assignees=(JOHN, JANE))
    assert not permits(engineer, Action.READ_TICKET, assignees=(JOHN,))
    assert not permits(engineer, Action.READ_TICKET)
    assert visibility(engineer, Action.READ_TICKET) == Visibility(None, None, assignee=JANE)


def test_nobody_but_who_holds_the_role_breaks_the_glass():
    """Not even an admin; and only for themselves."""
    assert PERMITTED[Action.BREAK_GLASS] == {Role.BREAK_GLASS: Condition.OWN}


def test_the_customer_alone_decides_on_consent():
    """Promise 6: not even an admin of the vendor changes it."""
    assert PERMITTED[Action.CHANGE_CONSENT] == {Role.CUSTOMER: Condition.BOUND_ACCOUNT}


def test_the_widest_role_decides_what_is_seen():
    """An engineer who is an auditor too sees all sessions."""
    both = caller(Role.ENGINEER, Role.AUDITOR)
    assert visibility(both, Action.READ_SESSION) == Visibility(None, None)
