"""What a session did: which Regions are asked, in which parts, and what the ledger has of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.domain.accounts import AccountState, Consent
from broker.domain.grants import Access
from broker.domain.identifiers import AccountId
from broker.domain.identity.permissions import Role
from broker.domain.trail.events import LookupKey, Unseen
from broker.errors import (
    AccessDenied,
    BrokerError,
    DependencyUnavailable,
    InvalidRequest,
    NotFound,
    UpstreamRejected,
)
from broker.services.trail.activity import Activity, ActivityWindow
from tests.unit.domain.making import ACCOUNT, NOW, OTHER_ACCOUNT, account
from tests.unit.services.trail_world import (
    AUDITOR,
    ELSEWHERE,
    GLOBAL,
    OWN,
    OWN_KEY,
    SESSION,
    TrailWorld,
    call_of,
    called,
    session,
)

ENGINEER = call_of(Role.ENGINEER)


def read(world: TrailWorld, window: ActivityWindow | None = None) -> Activity:
    """What the engineer reads of their own session."""
    return world.read_activity(SESSION, window or ActivityWindow(), ENGINEER)


def test_events_of_the_session_and_of_no_other() -> None:
    """By the name that it has in the trail, for as long as its credentials were good."""
    world = TrailWorld()
    world.trail.parts[OWN] = [[called(1), called(2, readOnly=False)]]
    activity = read(world)
    assert [event.event_id for event in activity.events] == ["event-1", "event-2"]
    query = world.trail.asked[0][1]
    one = session()
    assert (query.key, query.value) == (LookupKey.USER_NAME, one.role_session_name)
    assert query.since == one.issued_at - timedelta(minutes=1)
    assert query.until == one.expires_at + timedelta(minutes=1)


def test_the_broker_comes_in_for_looking_only() -> None:
    """Through the read role, whatever the session's own role was."""
    world = TrailWorld(session=session(access=Access.CASE))
    read(world)
    (asked,) = world.door.asked
    assert asked["access"] is Access.READ
    assert asked["actions"] == ("cloudtrail:LookupEvents",)
    assert world.trail.credentials[0].access_key_id == OWN_KEY


def test_two_regions_are_always_looked_at() -> None:
    """The broker's own, and where IAM's calls are recorded; others where they are asked for."""
    world = TrailWorld()
    assert read(world).regions == (OWN, GLOBAL)
    assert read(world, ActivityWindow(regions=(ELSEWHERE, OWN))).regions == (
        OWN,
        GLOBAL,
        ELSEWHERE,
    )


def test_a_region_of_nowhere() -> None:
    """It is not asked for: the address would be made of what the caller wrote."""
    world = TrailWorld()
    with pytest.raises(InvalidRequest) as raised:
        read(world, ActivityWindow(regions=("us-moon-1",)))
    assert [problem.field for problem in raised.value.problems] == ["region"]
    assert (world.trail.asked, world.ledger.told()) == ([], [])


def test_parts_lead_through_all_regions() -> None:
    """Each event once, though an answer ends in the middle of a Region."""
    world = TrailWorld()
    world.trail.parts = {
        OWN: [[called(1), called(2)], [called(3), called(4)]],
        GLOBAL: [[called(5), called(6)]],
        ELSEWHERE: [[called(7)]],
    }
    seen, cursor, answers = [], None, 0
    while True:
        window = ActivityWindow(regions=(ELSEWHERE,), limit=2, cursor=cursor)
        part = read(world, window)
        seen += [event.event_id for event in part.events]
        cursor, answers = part.next, answers + 1
        if cursor is None:
            break
    assert seen == [f"event-{number}" for number in range(1, 8)]
    assert answers == 4
    assert {limit for _, _, limit, _ in world.trail.asked} == {2}


def test_empty_regions_do_not_fill_an_answer() -> None:
    """A session that did nothing is told of in one answer."""
    activity = read(TrailWorld(), ActivityWindow(limit=1))
    assert (activity.events, activity.next, activity.regions) == ((), None, (OWN, GLOBAL))


def test_an_answer_takes_only_so_many_look_ups() -> None:
    """Parts may be empty for long: then the caller goes on with the cursor."""
    world = TrailWorld()
    world.trail.parts[OWN] = [[] for _ in range(100)]
    activity = read(world)
    assert activity.next is not None
    assert len(world.trail.asked) < 100


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "W10", "WyJ1cy1tb29uLTEiLG51bGxd", "WyJ1cy1lYXN0LTEiLDdd", "Ww", "é", "bnVsbA"],
)
def test_a_cursor_of_somebody_else(cursor: str) -> None:
    """Nothing of it is believed: no Region beside the partition's, no token but a text."""
    world = TrailWorld()
    with pytest.raises(InvalidRequest) as raised:
        read(world, ActivityWindow(cursor=cursor))
    assert [problem.field for problem in raised.value.problems] == ["cursor"]
    assert world.trail.asked == []


@pytest.mark.parametrize(
    ("after", "complete"), [(timedelta(minutes=14), False), (timedelta(minutes=15), True)]
)
def test_complete_is_what_can_get_no_more(after: timedelta, complete: bool) -> None:
    """Events come up to 15 minutes late, and the last may be of the session's last second."""
    world = TrailWorld(now=session().expires_at + after)
    assert read(world).complete is complete


def test_what_is_not_the_last_part_is_not_complete() -> None:
    """However old the session is."""
    world = TrailWorld(now=NOW + timedelta(days=1))
    world.trail.parts[OWN] = [[called(1)], [called(2)]]
    part = read(world, ActivityWindow(limit=1))
    assert not part.complete
    assert part.next is not None


@pytest.mark.parametrize(("why", "complete"), [(Unseen.REFUSED, False), (Unseen.NOT_ENABLED, True)])
def test_a_region_that_cannot_be_looked_at_is_named(why: Unseen, complete: bool) -> None:
    """One that the account does not use hides nothing; one that is forbidden might."""
    world = TrailWorld(now=NOW + timedelta(days=1))
    world.trail.parts[GLOBAL] = why
    activity = read(world)
    assert (activity.regions, activity.unseen) == ((OWN,), ((GLOBAL, why),))
    assert activity.complete is complete


def test_an_account_that_forbids_to_look() -> None:
    """Nothing was seen anywhere, which is not the same as nothing done."""
    world = TrailWorld()
    world.trail.parts = {OWN: Unseen.REFUSED, GLOBAL: Unseen.REFUSED}
    with pytest.raises(UpstreamRejected):
        read(world)
    assert [entry.outcome for entry in world.ledger.told()] == ["intended", "failed"]


def test_the_ledger_knows_who_looked_and_with_which_session() -> None:
    """Before and after, so that the visit itself can be told in the trail."""
    world = TrailWorld()
    world.trail.parts[OWN] = [[called(1), called(2, readOnly=False)]]
    read(world)
    intended, done = world.ledger.told()
    assert {intended.action, done.action} == {"session.activity_read"}
    assert (intended.outcome, done.outcome) == ("intended", "done")
    assert intended.ids["session"] == done.ids["session"] == SESSION
    assert intended.ids["own_session"] == done.ids["own_session"] != SESSION
    assert "own_access_keys" not in intended.details
    assert done.details["own_access_keys"] == [OWN_KEY]
    assert (done.details["events"], done.details["marked"]) == (2, 1)
    assert "secret" not in str(world.ledger.told())


@pytest.mark.parametrize("error", [UpstreamRejected("No."), DependencyUnavailable("Later.")])
def test_what_aws_hinders_is_in_the_ledger(error: BrokerError) -> None:
    """Whether it did not let the broker in, or did not answer once it was in."""
    for world in (TrailWorld(), TrailWorld()):
        world.trail.parts[OWN] = error
        with pytest.raises(type(error)):
            read(world)
        assert world.ledger.told()[-1].outcome == "failed"
        assert world.ledger.told()[-1].reason == error.code
        assert world.ledger.told()[-1].details["own_access_keys"] == [OWN_KEY]
        world.door.error = error
        with pytest.raises(type(error)):
            read(world)
        assert world.ledger.told()[-1].outcome == "failed"
        assert "own_access_keys" not in world.ledger.told()[-1].details


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"consent": Consent.OFF}, "consent_off"),
        ({"state": AccountState.DEGRADED}, "account_not_active"),
        ({"state": AccountState.REMOVED}, "account_not_active"),
    ],
)
def test_a_closed_account_is_closed_to_the_broker_too(
    changes: dict[str, object], code: str
) -> None:
    """The customer has the last word: AWS is not even asked, and the refusal is in the ledger."""
    world = TrailWorld(account=account(**changes))
    with pytest.raises(AccessDenied) as raised:
        read(world)
    assert raised.value.code == code
    assert world.door.asked == []
    (refused,) = world.ledger.told()
    assert (refused.outcome, refused.reason) == ("refused", code)


@pytest.mark.parametrize(
    "call",
    [
        call_of(Role.ENGINEER, subject="john@vendor.example"),
        call_of(Role.CUSTOMER, accounts=(OTHER_ACCOUNT,)),
        call_of(Role.AUDITOR, accounts=(OTHER_ACCOUNT,)),
    ],
    ids=["another engineer", "another customer", "an auditor of another account"],
)
def test_the_session_of_others_does_not_exist(call) -> None:
    """As with reading it: not even its being there is told."""
    world = TrailWorld()
    with pytest.raises(NotFound):
        world.read_activity(SESSION, ActivityWindow(), call)
    assert world.trail.asked == []


def test_a_session_that_nobody_knows() -> None:
    """The same answer."""
    with pytest.raises(NotFound):
        read(TrailWorld(session=None))
    with pytest.raises(NotFound):
        read(TrailWorld(account=None))


def test_roles_that_may_not_read_activity() -> None:
    """Refused, and in the broker's own chain."""
    world = TrailWorld()
    with pytest.raises(AccessDenied):
        world.read_activity(SESSION, ActivityWindow(), call_of(Role.CONSOLE, subject="console"))
    assert world.ledger.told("broker")[-1].details["asked_for"] == "sessions:activity"


@pytest.mark.parametrize(
    "call", [AUDITOR, call_of(Role.CUSTOMER, subject="them", accounts=(AccountId(ACCOUNT),))]
)
def test_auditors_and_the_customer_may_read(call) -> None:
    """What was done in an account is its owner's to know."""
    world = TrailWorld()
    assert world.read_activity(SESSION, ActivityWindow(), call).regions == (OWN, GLOBAL)
    assert world.ledger.told()[-1].actor == call.caller.subject


def test_a_region_that_is_newer_than_our_list() -> None:
    """The broker's own is known, whatever the list says: its cursors work too."""
    world = TrailWorld()
    world.regions = replace(world.regions, all=(GLOBAL,))
    world.trail.parts[OWN] = [[called(1)], [called(2)]]
    first = read(world, ActivityWindow(limit=1))
    second = read(world, ActivityWindow(limit=1, cursor=first.next))
    assert [event.event_id for event in second.events] == ["event-2"]


def test_a_partition_without_a_place_for_global_services() -> None:
    """Then there is one Region that is always looked at."""
    world = TrailWorld()
    world.regions = replace(world.regions, of_global_services=None)
    assert read(world).regions == (OWN,)


def test_who_finds_no_room_for_a_visit_enters_nothing_and_writes_nothing() -> None:
    """Reading a trail takes long: one customer must not keep every thread of the broker waiting."""
    world = TrailWorld()
    with world.bulkhead.place(), pytest.raises(DependencyUnavailable) as refused:
        read(world)
    assert refused.value.code == "too_busy"
    assert (world.door.asked, list(world.ledger.told())) == ([], [])
    assert read(world).regions == (OWN, GLOBAL)
