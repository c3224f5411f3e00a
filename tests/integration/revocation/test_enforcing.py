"""What becomes of a revocation where AWS, another pass, or the store stands in the way."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from broker.domain.accounts import AccountState
from broker.domain.grants import GrantState
from broker.domain.identifiers import GrantId
from broker.domain.ledger.entries import BROKER_CHAIN, LedgerAction, LedgerEntry
from broker.domain.revocations import Everything, OfAccount, OfEngineer, OfTicket
from broker.errors import (
    AccessDenied,
    BrokerError,
    Conflict,
    DependencyUnavailable,
    NotFound,
    StoreUnavailable,
)
from broker.services.revocation import enforcing
from broker.store import Store
from tests.integration.revocation.paper import ANN, CALL, HOUR, NOT_TAKEN, Paper

RUNNING = Conflict("Another pass runs.", code="reconciliation_running")
GONE = StoreUnavailable("The store is gone.")


def asked(store: Store) -> list[LedgerEntry]:
    """The entries about mass revocations in the broker's own chain."""
    found = store.journal.entries(BROKER_CHAIN, after=0, limit=10_000)
    return [entry for entry in found if entry.action == LedgerAction.REVOCATION_ASKED]


def test_a_grant_ends_with_its_sessions(paper: Paper) -> None:
    """The grant says who ended it and why; the sessions under it are denied, others are not."""
    grant_id = paper.granted()
    under, beside = paper.opened(grant_id=grant_id), paper.opened()
    (ended,) = paper.ending.end_grant(grant_id, CALL, reason="enough")
    assert (ended.session_id, ended.denied_at) == (under, paper.time())
    assert paper.session(beside).revoked_at is None
    grant = paper.grant(grant_id)
    assert (grant.decided, grant.decision_reason) == (GrantState.REVOKED, "enough")
    (entry,) = paper.entries(LedgerAction.GRANT_REVOKED)
    assert (entry.reason, entry.ids["grant"]) == ("enough", grant_id)
    assert paper.passes.asked == [paper.account_id]


def test_asking_again_ends_nothing_twice_and_mends_what_was_left(paper: Paper) -> None:
    """AWS did not take it the first time; the second time only that is tried."""
    grant_id = paper.granted()
    paper.opened(grant_id=grant_id)
    paper.passes.said[paper.account_id] = NOT_TAKEN
    (first,) = paper.ending.end_grant(grant_id, CALL, reason="enough")
    assert first.revoked_at is not None
    assert first.denied_at is None
    del paper.passes.said[paper.account_id]
    (second,) = paper.ending.end_grant(grant_id, CALL, reason="again")
    assert second.denied_at is not None
    paper.ending.end_grant(grant_id, CALL, reason="and again")
    assert len(paper.passes.asked) == 2
    assert len(paper.entries(LedgerAction.GRANT_REVOKED)) == 1


def test_a_grant_that_is_over_still_takes_its_sessions_along(paper: Paper) -> None:
    """Whoever ended it may have got no further."""
    grant_id = paper.granted(expires_at=paper.time() + timedelta(minutes=1))
    session_id = paper.opened(grant_id=grant_id)
    paper.time.sleep(60)
    paper.ending.end_grant(grant_id, CALL, reason="enough")
    assert paper.session(session_id).revoked_at is not None
    assert paper.grant(grant_id).decided is GrantState.APPROVED


def test_a_grant_that_is_not_there(paper: Paper) -> None:
    """Nothing is written."""
    with pytest.raises(NotFound):
        paper.ending.end_grant(GrantId("gr-" + "f" * 20), CALL, reason="enough")


@pytest.mark.parametrize("hindrance", [NOT_TAKEN, RUNNING], ids=["AWS", "another pass"])
def test_what_one_account_does_not_take_keeps_no_other(
    store: Store, hindrance: BrokerError
) -> None:
    """It is pending there, and says so; the others are denied."""
    papers = [Paper(store) for _ in range(3)]
    first, second, third = papers
    grants = [(paper, paper.granted()) for paper in papers]
    for paper, grant_id in grants:
        paper.opened(grant_id=grant_id)
    first.passes.said[second.account_id] = hindrance
    ended = first.ending.end_grants([each for _, each in grants], CALL, reason="enough")
    assert {session.account_id: session.denied_at is not None for session in ended} == {
        first.account_id: True,
        second.account_id: False,
        third.account_id: True,
    }


def test_who_asks_does_not_wait_for_ever(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that takes very long is left to the worker."""
    monkeypatch.setattr(enforcing, "WAITS", timedelta(milliseconds=200))
    quick, slow = Paper(store), Paper(store)
    let_go = threading.Event()
    run = quick.passes.run

    def run_slowly(account_id: str, *rest: object, **named: object) -> object:
        if account_id == slow.account_id:
            let_go.wait()
        return run(account_id, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(quick.passes, "run", run_slowly)
    taken = quick.enforcing.everywhere([quick.account_id, slow.account_id], CALL)
    let_go.set()
    assert taken == {quick.account_id}


@pytest.mark.parametrize("accounts", [1, 2])
def test_a_store_that_is_gone_is_told(store: Store, accounts: int) -> None:
    """It is not taken for an AWS that does not answer: nothing may be written down."""
    papers = [Paper(store) for _ in range(accounts)]
    papers[0].passes.said = {paper.account_id: GONE for paper in papers}
    with pytest.raises(DependencyUnavailable, match="store is gone"):
        papers[0].enforcing.everywhere([paper.account_id for paper in papers], CALL)


def test_a_single_session_is_pending_where_aws_does_not_take_it(paper: Paper) -> None:
    """Whoever asked is told; it is written down."""
    session_id = paper.opened()
    paper.passes.said[paper.account_id] = NOT_TAKEN
    paper.end(session_id)
    with pytest.raises(DependencyUnavailable) as raised:
        paper.enforcing.sessions(paper.account_id, [session_id], CALL)
    assert raised.value.code == "revocation_pending"
    assert paper.session(session_id).denied_at is None


@pytest.mark.parametrize("scope", ["engineer", "ticket", "account", "everything"])
def test_much_is_pending_where_aws_does_not_take_it(paper: Paper, scope: str) -> None:
    """Every scope says so, in its answer and in the ledger, with the counts."""
    paper.opened(grant_id=paper.granted())
    paper.passes.said[paper.account_id] = NOT_TAKEN
    named = {
        "engineer": OfEngineer(ANN),
        "ticket": OfTicket(paper.session(paper.opened()).ticket_id),
        "account": OfAccount(paper.account_id),
        "everything": Everything(),
    }
    revoked = paper.many(named[scope], CALL, reason="a leak")
    assert paper.account_id in revoked.pending
    assert paper.account_id in revoked.accounts
    intended, done = asked(paper.store)[-2:]
    assert (intended.outcome, done.outcome, done.reason) == ("intended", "done", "a leak")
    assert done.details["scope"] == scope
    assert done.details["pending"] == len(revoked.pending)
    assert done.details["grants"] == revoked.grants >= 1


def test_one_account_that_cannot_be_written_keeps_no_other(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are written down and told; then whoever asked learns that it was not all."""
    papers = [Paper(store) for _ in range(3)]
    sessions = [paper.opened() for paper in papers]
    many = papers[0].many
    end_all = many.ends.end_all

    def end_all_but_one(account_id: str, *rest: object, **named: object) -> object:
        if account_id == papers[1].account_id:
            raise Conflict("It is written to all the time.")
        return end_all(account_id, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(type(many.ends), "end_all", staticmethod(end_all_but_one))
    with pytest.raises(Conflict):
        many(Everything(), CALL, reason="a leak")
    revoked = [
        paper.session(session_id).revoked_at is not None
        for paper, session_id in zip(papers, sessions, strict=True)
    ]
    assert revoked == [True, False, True]
    assert {papers[0].account_id, papers[2].account_id} <= set(papers[0].passes.asked)


@pytest.mark.parametrize("state", [AccountState.REGISTERED, AccountState.REMOVED])
def test_where_nothing_of_ours_stands_only_grants_end(paper: Paper, state: AccountState) -> None:
    """AWS is not asked for what cannot be there, and the account does not become due."""
    paper.settle(state=state)
    due = paper.account.next_check_at
    grant_id = paper.granted()
    revoked = paper.many(OfAccount(paper.account_id), CALL, reason="a leak")
    assert (revoked.grants, revoked.pending, revoked.accounts) == (1, frozenset(), ())
    assert paper.grant(grant_id).decided is GrantState.REVOKED
    assert paper.passes.asked == []
    assert paper.account.next_check_at == due


def test_only_live_grants_count(paper: Paper) -> None:
    """What was over before was not ended now; a request that waits is ended too."""
    request = paper.granted(decided=GrantState.REQUESTED, approver=None)
    over = paper.granted(expires_at=paper.time() + HOUR)
    denied = paper.granted(decided=GrantState.DENIED)
    paper.time.sleep(3600)
    live = paper.granted()
    revoked = paper.many(OfAccount(paper.account_id), CALL, reason="a leak")
    assert revoked.grants == 2
    states = [paper.grant(each).decided for each in (request, over, denied, live)]
    assert states == [
        GrantState.REVOKED,
        GrantState.APPROVED,
        GrantState.DENIED,
        GrantState.REVOKED,
    ]


def test_a_caller_bound_to_accounts_ends_nothing_wider(paper: Paper) -> None:
    """Not even as a console."""
    caller = replace(CALL.caller, account_ids=frozenset({paper.account_id}))
    bound = replace(CALL, caller=caller)
    for scope in (OfEngineer(ANN), Everything()):
        with pytest.raises(AccessDenied):
            paper.many(scope, bound, reason="a leak")
    assert not paper.many(OfAccount(paper.account_id), bound, reason="a leak").pending
