"""What is written down where sessions end: each once, and denied in the same step."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from broker.domain.grants import Access
from broker.domain.identifiers import SessionId
from broker.domain.ledger.entries import LedgerAction
from broker.domain.revocations import MOST_BY_TAG
from broker.errors import NotFound
from broker.services.revocation.session_ends import TOO_MANY
from tests.integration.revocation.paper import CALL, HOUR, Paper


def tags(paper: Paper) -> set[SessionId]:
    """The sessions that the account denies one by one."""
    return {session.session_id for session in paper.account.revocations.sessions}


def test_a_session_is_revoked_and_denied_in_one_step(paper: Paper) -> None:
    """Its record says when, the account's wants the Deny and is due at once."""
    session_id = paper.opened()
    (ended,) = paper.end(session_id)
    assert ended == paper.session(session_id)
    assert ended.revoked_at == ended.next_probe_at == paper.time()
    assert (ended.denied_at, ended.refused_at) == (None, None)
    assert tags(paper) == {session_id}
    assert paper.account.next_check_at == paper.time()
    (entry,) = paper.entries(LedgerAction.SESSION_REVOKED)
    assert (entry.outcome, entry.reason, entry.ids["session"]) == ("intended", "enough", session_id)


def test_asking_again_changes_nothing(paper: Paper) -> None:
    """Neither the record nor the ledger, but the answer is the same."""
    session_id = paper.opened()
    first = paper.end(session_id)
    paper.time.sleep(5)
    assert paper.end(session_id) == first
    assert len(paper.entries(LedgerAction.SESSION_REVOKED)) == 1


def test_what_has_expired_is_left_alone(paper: Paper) -> None:
    """Nothing is denied that is dead, and a session that was never opened is nobody's."""
    session_id = paper.opened(lasts=timedelta(minutes=15))
    paper.time.sleep(900)
    assert paper.end(session_id, SessionId("s-" + "f" * 20)) == ()
    assert paper.session(session_id).revoked_at is None
    assert tags(paper) == set()


def test_one_leads_for_each_access(paper: Paper) -> None:
    """The one that lives longest is asked about; it stands for the others."""
    short, long = paper.opened(), paper.opened(lasts=2 * HOUR)
    case = paper.opened(access=Access.CASE)
    paper.end(short, long, case)
    asked = {each for each in (short, long, case) if paper.session(each).next_probe_at}
    assert asked == {long, case}
    assert tags(paper) == {short, long, case}


def test_many_are_ended_in_steps(paper: Paper) -> None:
    """More than one step writes; each of them is whole."""
    many = [paper.opened() for _ in range(120)]
    ended = paper.end(*many)
    assert {session.session_id for session in ended} == set(many)
    assert tags(paper) == set(many)
    assert sum(session.next_probe_at is not None for session in ended) == 3


def test_all_are_denied_by_time_and_the_leaders_by_tag_too(paper: Paper) -> None:
    """A twin is younger than that time, so the leaders' tags stand beside it."""
    read, longer, case = (
        paper.opened(),
        paper.opened(lasts=2 * HOUR),
        paper.opened(access=Access.CASE),
    )
    paper.time.sleep(3600 - 1)
    ended = paper.end_all()
    assert {session.session_id for session in ended} == {read, longer, case}
    assert {session.revoked_at for session in ended} == {paper.time()}
    assert paper.account.revocations.issued_before == paper.time()
    assert paper.account.revocations.until == paper.time() + 4 * HOUR
    assert tags(paper) == {longer, case}
    asked = {session.session_id for session in ended if session.next_probe_at}
    assert asked == {longer, case}
    (entry,) = paper.entries(LedgerAction.ACCOUNT_REVOKED)
    assert entry.details["sessions"] == 3


def test_the_youngest_are_denied_by_tag_in_case_clocks_differ(paper: Paper) -> None:
    """AWS may have dated them after our own time."""
    old = [paper.opened() for _ in range(2)]
    paper.time.sleep(120)
    young = [paper.opened() for _ in range(3)]
    paper.end_all()
    assert tags(paper) >= set(young)
    assert len(tags(paper) & set(old)) == 0


def test_an_earlier_leader_keeps_its_tag_until_a_new_one_stands_for_it(paper: Paper) -> None:
    """Without its tag its twin would be let in, and nothing could be proved any more."""
    first = paper.opened(lasts=2 * HOUR)
    paper.end(first)
    paper.time.sleep(120)
    paper.end_all()
    assert tags(paper) == {first}
    second = paper.opened()
    paper.time.sleep(120)
    paper.end_all()
    assert tags(paper) == {second}


def test_too_many_by_tag_end_all(paper: Paper) -> None:
    """There is room for so many; one more, and everything so far is denied by time."""
    many = [paper.opened() for _ in range(MOST_BY_TAG)]
    beside = paper.opened(lasts=3 * HOUR)
    paper.time.sleep(120)
    paper.end(*many)
    assert paper.account.revocations.issued_before is None
    one_more = paper.opened()
    assert {session.session_id for session in paper.end(one_more)} >= {one_more, beside}
    assert paper.account.revocations.issued_before == paper.time()
    assert paper.session(beside).revoked_at == paper.time()
    assert len(tags(paper)) < 5
    (entry,) = paper.entries(LedgerAction.ACCOUNT_REVOKED)
    assert entry.reason == f"{TOO_MANY}: enough"


def test_what_was_recorded_meanwhile_is_ended_by_tag(paper: Paper) -> None:
    """It was not listed, and AWS may have dated it before the time or after it."""
    paper.opened()
    late: list[SessionId] = []
    page = paper.store.sessions.page

    class Sessions:
        """Of which one is recorded right after they were listed for the first time."""

        get = paper.store.sessions.get

        def page(self, **asked: object) -> object:
            found = page(**asked)  # type: ignore[arg-type]
            if not late:
                late.append(paper.opened())
            return found

    object.__setattr__(paper.ends, "sessions", Sessions())
    ended = paper.end_all()
    assert late[0] in {session.session_id for session in ended}
    assert paper.session(late[0]).revoked_at is not None
    assert late[0] in tags(paper)


def test_that_the_deny_stands_is_noted_once(paper: Paper) -> None:
    """For what was revoked, and for nothing else."""
    revoked, live = paper.opened(), paper.opened()
    paper.end(revoked)
    paper.time.sleep(2)
    for _ in range(2):
        paper.ends.denied(paper.account_id, [revoked, live], CALL)
    assert paper.session(revoked).denied_at == paper.time()
    assert paper.session(live).denied_at is None
    (entry,) = [e for e in paper.entries(LedgerAction.SESSION_REVOKED) if e.outcome == "done"]
    assert entry.details["milliseconds"] == 2000


def test_ends_that_meet_take_turns(paper: Paper) -> None:
    """Every one of them is written, none twice, and none overwrites another's denial."""
    many = [paper.opened() for _ in range(24)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda at: paper.end(*many[at : at + 6]), range(0, 21, 3)))
    assert tags(paper) == set(many)
    assert len(paper.entries(LedgerAction.SESSION_REVOKED)) == len(many)


def test_an_account_that_is_not_there(paper: Paper) -> None:
    """Nothing is written for it."""
    other = Paper.__dataclass_fields__["account_id"].default_factory()  # type: ignore[misc]
    with pytest.raises(NotFound):
        paper.ends.end_all(other, CALL, reason=None)
