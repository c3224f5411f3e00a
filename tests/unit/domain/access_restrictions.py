"""Ways of giving less: each makes of a scenario one that is more restricted, or the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from broker.domain.accounts import AccountState, Consent
from broker.domain.grants import Grant, GrantState
from broker.domain.tickets import TicketStatus
from tests.unit.domain.access_scenarios import GRANT_IDS, Scenario, account_sets
from tests.unit.domain.making import JANE, JOHN, OTHER_ACCOUNT

Draw = Callable[[Any], Any]
STRICTER = [Consent.STANDING, Consent.PER_GRANT, Consent.OFF]
OVER = [GrantState.REQUESTED, GrantState.DENIED, GrantState.REVOKED]
DURATIONS = st.integers(0, 300).map(lambda minutes: timedelta(minutes=minutes))


def on_ticket(scenario: Scenario, **changes: object) -> Scenario:
    """With the ticket changed, where there is one."""
    found = scenario.ticket
    return replace(scenario, ticket=replace(found, **changes)) if found else scenario


def on_account(scenario: Scenario, **changes: object) -> Scenario:
    """With the account changed, where there is one."""
    found = scenario.account
    return replace(scenario, account=replace(found, **changes)) if found else scenario


def on_some_grants(scenario: Scenario, draw: Draw, change: Callable[[Grant], Grant]) -> Scenario:
    """With some of the grants changed, and the others as they are."""
    chosen = draw(st.frozensets(st.sampled_from(GRANT_IDS)))
    changed = (change(each) if each.grant_id in chosen else each for each in scenario.grants)
    return replace(scenario, grants=tuple(changed))


def assign_others(scenario: Scenario, draw: Draw) -> Scenario:
    """The ticket becomes somebody else's."""
    del draw
    return on_ticket(scenario, assignees=(JOHN if scenario.request.engineer == JANE else JANE,))


def consent_to_less(scenario: Scenario, draw: Draw) -> Scenario:
    """The customer's word becomes a stricter one."""
    if scenario.account is None:
        return scenario
    stricter = STRICTER[STRICTER.index(scenario.account.consent) :]
    return on_account(scenario, consent=draw(st.sampled_from(stricter)))


def leave_the_active_state(scenario: Scenario, draw: Draw) -> Scenario:
    """Whatever became of the account."""
    others = [state for state in AccountState if state is not AccountState.ACTIVE]
    return on_account(scenario, state=draw(st.sampled_from(others)))


def remove_roles(scenario: Scenario, draw: Draw) -> Scenario:
    """Take some of the caller's roles away, or all."""
    had = sorted(scenario.caller.roles)
    kept = draw(st.frozensets(st.sampled_from(had))) if had else frozenset()
    return replace(scenario, caller=replace(scenario.caller, roles=kept))


def bind_to_accounts(scenario: Scenario, draw: Draw) -> Scenario:
    """Bind a caller who was not, or to fewer accounts; to none at all would be no binding."""
    had = scenario.caller.account_ids
    wanted = draw(account_sets())
    kept = (wanted & had if had else wanted) or had or frozenset({OTHER_ACCOUNT})
    return replace(scenario, caller=replace(scenario.caller, account_ids=kept))


def end_grants_early(scenario: Scenario, draw: Draw) -> Scenario:
    """Some grants end before they would have."""
    sooner = draw(DURATIONS)
    return on_some_grants(
        scenario, draw, lambda each: replace(each, expires_at=each.expires_at - sooner)
    )


def decide_otherwise(scenario: Scenario, draw: Draw) -> Scenario:
    """Some grants were not approved after all, or no longer are."""
    decided = draw(st.sampled_from(OVER))
    return on_some_grants(scenario, draw, lambda each: replace(each, decided=decided))


def lose_grants(scenario: Scenario, draw: Draw) -> Scenario:
    """Some grants were never there."""
    kept = draw(st.frozensets(st.sampled_from(GRANT_IDS)))
    left = tuple(each for each in scenario.grants if each.grant_id in kept)
    return replace(scenario, grants=left)


def allow_shorter_sessions(scenario: Scenario, draw: Draw) -> Scenario:
    """The operator's limit gets shorter."""
    shorter = scenario.limits.longest_session - draw(DURATIONS)
    return replace(scenario, limits=replace(scenario.limits, longest_session=shorter))


def ask_for_longer(scenario: Scenario, draw: Draw) -> Scenario:
    """The same, for longer."""
    longer = scenario.request.duration + draw(DURATIONS)
    return replace(scenario, request=replace(scenario.request, duration=longer))


def name_a_grant(scenario: Scenario, draw: Draw) -> Scenario:
    """Only this grant shall count, where any did."""
    named = scenario.request.grant_id or draw(st.sampled_from(GRANT_IDS))
    return replace(scenario, request=replace(scenario.request, grant_id=named))


def ask_later(scenario: Scenario, draw: Draw) -> Scenario:
    """The same, some time later: what has not changed by then has only come nearer to its end."""
    return replace(scenario, now=scenario.now + draw(DURATIONS))


RESTRICTIONS: Mapping[str, Callable[[Scenario, Draw], Scenario]] = {
    "the ticket is closed": lambda s, _: on_ticket(s, status=TicketStatus.CLOSED),
    "the ticket is gone": lambda s, _: replace(s, ticket=None),
    "the ticket concerns another account": lambda s, _: on_ticket(s, account_ids=(OTHER_ACCOUNT,)),
    "the ticket is others'": assign_others,
    "the consent is stricter": consent_to_less,
    "the account is not active": leave_the_active_state,
    "the account is gone": lambda s, _: replace(s, account=None),
    "the caller has fewer roles": remove_roles,
    "the caller is bound to accounts": bind_to_accounts,
    "grants end sooner": end_grants_early,
    "grants are not approved": decide_otherwise,
    "grants are gone": lose_grants,
    "sessions may be less long": allow_shorter_sessions,
    "the session shall be longer": ask_for_longer,
    "one grant shall count": name_a_grant,
    "time has passed": ask_later,
}
