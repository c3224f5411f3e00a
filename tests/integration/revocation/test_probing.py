"""When a revocation counts as proved, and when it does not: AWS is played, the store is real."""

from __future__ import annotations

from datetime import timedelta

import pytest

from broker.domain.accounts import Consent
from broker.domain.grants import Access
from broker.domain.identifiers import SessionId
from broker.domain.ledger.entries import LedgerAction
from broker.domain.ports import Task, TaskKind
from broker.errors import DependencyUnavailable, LedgerUnavailable, UpstreamRejected
from tests.integration.revocation.paper import HOUR, Paper


def refuse_the_twin(paper: Paper, *, after: int = 0) -> None:
    """AWS refuses whoever carries a revoked session's tag, from that call on."""
    denied = {session.session_id for session in paper.account.revocations.sessions}
    paper.aws.refuses = lambda session_id, calls: session_id in denied and calls > after


def revoked(paper: Paper, **asked: object) -> SessionId:
    """A session that was revoked, and whose Deny stands."""
    session_id = paper.opened(**asked)  # type: ignore[arg-type]
    paper.end(session_id)
    paper.settle()
    return session_id


def claimed(paper: Paper) -> set[Task]:
    """What a worker claims now, and holds for long."""
    return set(paper.store.agenda.claim(now=paper.time(), hold=12 * HOUR, limit=1_000))


def test_a_twin_that_is_let_in_and_then_refused_proves_it(paper: Paper) -> None:
    """The first of three refusals in a row counts, and its seconds are told."""
    session_id = revoked(paper)
    refuse_the_twin(paper, after=3)
    paper.probe(session_id)
    session = paper.session(session_id)
    assert session.refused_at == session.revoked_at + timedelta(seconds=3)
    assert session.denied_at == session.revoked_at
    assert session.next_probe_at is None
    (entry,) = paper.entries(LedgerAction.REVOCATION_EFFECTIVE)
    assert (entry.outcome, entry.details["milliseconds"]) == ("done", 3000)
    assert entry.ids["session"] == session_id


def test_the_twin_is_the_brokers_own_with_the_sessions_tag(paper: Paper) -> None:
    """It carries the tag, may make one harmless call, and is not mistaken for the engineer."""
    session_id = revoked(paper, access=Access.CASE)
    refuse_the_twin(paper, after=1)
    paper.probe(session_id)
    entered, _ = paper.aws.entered
    assert entered == {
        "account_id": paper.account_id,
        "access": Access.CASE,
        "actions": ["support:DescribeSeverityLevels"],
        "engineer": "broker-probe",
        "ticket_id": "T-1",
        "session_id": session_id,
    }
    intended, done, *_ = paper.entries(LedgerAction.REVOCATION_PROBED)
    assert (intended.outcome, done.outcome, done.reason) == ("intended", "done", "refused")
    assert intended.ids["own_session"] == done.ids["own_session"] == session_id
    assert done.details["own_access_keys"] == [session_id]
    assert done.details["own_session_name"] == f"broker-probe@T-1-{session_id.short}"


def test_one_refusal_among_others_is_not_enough(paper: Paper) -> None:
    """AWS's hosts learn of a change one after the other."""
    session_id = revoked(paper)
    paper.aws.refuses = lambda each, calls: each == session_id and (calls in (2, 3, 5) or calls > 8)
    paper.probe(session_id)
    assert paper.aws.calls.count(session_id) == 11
    assert paper.session(session_id).refused_at is not None


def test_a_stranger_is_let_in_where_the_twin_is_not(paper: Paper) -> None:
    """A session that differs in nothing but its tag shows that it is the tag that is refused."""
    session_id = revoked(paper)
    refuse_the_twin(paper)
    paper.probe(session_id)
    assert paper.session(session_id).refused_at == paper.session(session_id).revoked_at
    twin, stranger = paper.aws.entered
    assert stranger["session_id"] != twin["session_id"]
    assert {**stranger, "session_id": 0} == {**twin, "session_id": 0}
    outcomes = [entry.reason for entry in paper.entries(LedgerAction.REVOCATION_PROBED)]
    assert outcomes == [None, "refused", None, "let in"]


def test_where_everybody_is_refused_nothing_is_proved(paper: Paper) -> None:
    """A service control policy, say, refuses the call whether the Deny is in force or not."""
    session_id = revoked(paper)
    paper.aws.refuses = lambda _session, _calls: True
    paper.probe(session_id)
    assert paper.session(session_id).refused_at is None
    assert paper.session(session_id).next_probe_at is not None
    assert paper.entries(LedgerAction.REVOCATION_EFFECTIVE) == []


def test_with_consent_off_nobody_is_let_in_and_that_is_the_proof(paper: Paper) -> None:
    """The document denies all, whatever the tag: there is no stranger to compare with."""
    session_id = revoked(paper)
    paper.settle(consent=Consent.OFF)
    paper.aws.refuses = lambda _session, _calls: True
    paper.probe(session_id)
    assert paper.session(session_id).refused_at is not None
    assert len(paper.aws.entered) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        {"exchange_fails": UpstreamRejected("AWS refuses the exchange.")},
        {"exchange_fails": DependencyUnavailable("AWS does not answer.")},
        {"call_fails": UpstreamRejected("AWS does not know the credentials.")},
        {"call_fails": DependencyUnavailable("AWS does not answer.")},
    ],
    ids=lambda trouble: "-".join(f"{k}-{type(v).__name__}" for k, v in trouble.items()),
)
def test_what_could_not_be_asked_is_no_proof(paper: Paper, trouble: dict[str, Exception]) -> None:
    """Neither a refused exchange nor an AWS that is gone; it comes again, and the ledger has it."""
    session_id = revoked(paper)
    task = Task(TaskKind.SESSION, session_id)
    assert task in claimed(paper)
    for name, error in trouble.items():
        setattr(paper.aws, name, error)
    paper.probe(session_id)
    assert paper.session(session_id).refused_at is None
    assert task not in claimed(paper)
    paper.time.sleep(1)
    assert task in claimed(paper)
    failed = paper.entries(LedgerAction.REVOCATION_PROBED)[-1]
    assert failed.outcome == "failed"
    assert failed.reason in ("refused_by_aws", "aws_unavailable")


def test_a_store_that_is_gone_is_told_to_the_worker(paper: Paper) -> None:
    """Only that: it must not look like an AWS that could not be asked."""
    session_id = revoked(paper)
    paper.aws.call_fails = LedgerUnavailable("gone")
    with pytest.raises(DependencyUnavailable):
        paper.probe(session_id)


def test_aws_is_asked_for_a_while_and_then_ever_more_seldom(paper: Paper) -> None:
    """Every second at first; later once each time, after pauses that grow."""
    session_id = revoked(paper)
    paper.probe(session_id)
    assert len(paper.aws.calls) == 22
    assert set(paper.time.slept) == {1.0}
    assert paper.session(session_id).next_probe_at is not None
    paper.time.sleep(600)
    paper.aws.calls.clear()
    paper.probe(session_id)
    assert len(paper.aws.calls) == 1


def test_it_ends_when_the_credentials_have_expired(paper: Paper) -> None:
    """Then there is nothing to refuse, and the ledger says that it never was proved."""
    session_id = revoked(paper)
    paper.time.sleep(3600)
    paper.probe(session_id)
    session = paper.session(session_id)
    assert (session.next_probe_at, session.refused_at) == (None, None)
    (entry,) = paper.entries(LedgerAction.REVOCATION_EFFECTIVE)
    assert (entry.outcome, entry.reason) == ("failed", "expired")
    assert paper.aws.entered == []
    paper.probe(session_id)
    assert len(paper.entries(LedgerAction.REVOCATION_EFFECTIVE)) == 1


def test_aws_is_not_asked_before_the_deny_stands(paper: Paper) -> None:
    """The pass over the account comes first; a pass that fails is not waited for too long."""
    session_id = paper.opened()
    paper.end(session_id)
    paper.probe(session_id)
    assert paper.aws.entered == []
    assert paper.session(session_id).denied_at is None
    paper.change(failures=1, next_check_at=paper.time() + HOUR)
    paper.time.sleep(11)
    refuse_the_twin(paper, after=1)
    paper.probe(session_id)
    session = paper.session(session_id)
    assert session.refused_at == session.denied_at == paper.time()


def test_what_the_worker_has_brought_about_is_noted(paper: Paper) -> None:
    """A pass of the worker's, long after the request: the sessions say that their Deny stands."""
    leader, follower = paper.opened(lasts=2 * HOUR), paper.opened()
    paper.end(leader, follower)
    paper.time.sleep(60)
    paper.settle()
    paper.probe(leader)
    assert paper.session(follower).denied_at is not None


def test_the_leader_proves_what_was_revoked_with_it_and_before(paper: Paper) -> None:
    """Of the same role, and no later: a later one may stand in a later document."""
    before = revoked(paper, lasts=HOUR)
    paper.time.sleep(1)
    leader, follower = paper.opened(lasts=2 * HOUR), paper.opened()
    paper.end(leader, follower)
    other_role = revoked(paper, access=Access.CASE, lasts=3 * HOUR)
    paper.time.sleep(1)
    later = revoked(paper)
    live = paper.opened()
    refuse_the_twin(paper, after=1)
    paper.probe(leader)
    proved = [
        each
        for each in (before, leader, follower, other_role, later, live)
        if paper.session(each).refused_at is not None
    ]
    assert proved == [before, leader, follower]
    assert paper.session(before).next_probe_at is None


def test_a_denial_by_time_is_proved_by_the_leaders_tag(paper: Paper) -> None:
    """One that is denied by time alone counts too, and a stranger is young enough to be let in."""
    old = paper.opened()
    leader = paper.opened(lasts=2 * HOUR)
    paper.time.sleep(300)
    paper.end_all()
    paper.settle()
    assert {s.session_id for s in paper.account.revocations.sessions} == {leader}
    refuse_the_twin(paper)
    paper.probe(leader)
    assert paper.session(old).refused_at == paper.session(leader).refused_at is not None
    assert sum(paper.time.slept[1:]) == 2.0


def test_a_session_that_is_gone_or_done_is_left_alone(paper: Paper) -> None:
    """A task may come once too often."""
    session_id = revoked(paper)
    refuse_the_twin(paper)
    paper.probe(session_id)
    asked = len(paper.aws.calls)
    paper.probe(session_id)
    paper.probe(SessionId("s-" + "0" * 20))
    assert len(paper.aws.calls) == asked
