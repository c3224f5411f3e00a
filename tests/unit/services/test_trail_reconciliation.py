"""The trail against the ledger: which time, which Regions, and what is made of what is found."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from broker.domain.accounts import Consent
from broker.domain.identity.permissions import Role
from broker.domain.ledger.entries import Event, LedgerAction, Outcome, chain_of
from broker.domain.trail.events import EXCHANGE, LookupKey, TrailEvent, Unseen, parse_event
from broker.domain.trail.reconciliations import Reconciliation, Sight, Verdict
from broker.errors import AccessDenied, InvalidRequest, NotFound, UpstreamRejected
from broker.services.ledger.by_time import SLACK, entries_around
from broker.services.trail.reconciliation import PATIENCE, Span
from tests.unit.domain.making import ACCOUNT, NOW, OTHER_ACCOUNT, account
from tests.unit.domain.trail_records import exchange_record, found
from tests.unit.services.trail_world import (
    AUDITOR,
    ELSEWHERE,
    GLOBAL,
    KEY,
    OWN,
    OWN_KEY,
    SESSION,
    Ledger,
    TrailWorld,
    call_of,
)

DAY = timedelta(days=1)
OPENED_AT = NOW - timedelta(hours=2)


def exchange(**changes: object) -> TrailEvent:
    """Jane's exchange, as the trail has it."""
    event = parse_event(found(exchange_record()), region=OWN)
    return replace(event, **{"time": OPENED_AT, "issued_key_id": KEY, **changes})


FORGED = exchange(
    event_id="forged", issued_key_id="ASIAFORGEDFORGEDFORG", session_name="forged@x-0"
)


def opened(world: TrailWorld, *, at: datetime = OPENED_AT, key: str = KEY) -> None:
    """Let the ledger have Jane's session."""
    for outcome, ids in ((Outcome.INTENDED, {}), (Outcome.DONE, {"access_key": key})):
        event = Event(
            actor="jane@vendor.example",
            action=LedgerAction.SESSION_OPENED,
            outcome=outcome,
            ids={"session": SESSION, "ticket": "T-1042", **ids},
            details={"engineer": "jane@vendor.example"},
        )
        world.ledger.record(chain_of(ACCOUNT), event, now=at)


def reconciled(world: TrailWorld, span: Span | None = None) -> Reconciliation:
    """What the auditor is told."""
    return world.reconcile_ledger(ACCOUNT, span or Span(since=world.now - DAY), AUDITOR)


def test_a_day_on_which_both_agree() -> None:
    """Exchanges of every Region, by their name."""
    world = TrailWorld()
    opened(world)
    world.trail.parts[OWN] = [[exchange()]]
    made = reconciled(world)
    assert made.verdict is Verdict.AGREES
    assert (made.comparison.matched, made.complete) == (1, True)
    assert (made.since, made.until) == (NOW - timedelta(days=1), NOW)
    assert world.trail.regions == [OWN, GLOBAL, ELSEWHERE]
    query = world.trail.asked[0][1]
    assert (query.key, query.value) == (LookupKey.EVENT_NAME, EXCHANGE)


def test_a_session_behind_the_brokers_back_is_an_alarm() -> None:
    """Wherever it was opened: whoever forges a token chooses the Region too."""
    world = TrailWorld()
    opened(world)
    world.trail.parts = {OWN: [[exchange()]], ELSEWHERE: [[FORGED]]}
    with capture_logs() as logs:
        made = reconciled(world)
    assert made.verdict is Verdict.UNKNOWN
    assert made.comparison.unknown == (FORGED,)
    (alarm,) = [entry for entry in logs if entry["log_level"] == "error"]
    assert (alarm["event"], alarm["account"]) == ("exchange_unknown_to_the_ledger", ACCOUNT)
    done = world.ledger.told()[-1]
    assert (done.action, done.outcome, done.reason) == ("ledger.reconciled", "failed", "unknown")
    assert (done.details["unknown"], done.details["matched"]) == (1, 1)
    assert done.details["unknown_events"] == ["forged"]


def test_what_the_customers_clusters_do_is_none_of_it() -> None:
    """Other roles with other issuers stand under the same event name."""
    world = TrailWorld()
    theirs = exchange(
        role_arn="arn:aws:iam::111122223333:role/cluster",
        identity_provider="arn:aws:iam::111122223333:oidc-provider/oidc.eks.example",
    )
    world.trail.parts[OWN] = [[theirs] * 50, [theirs]]
    made = reconciled(world)
    assert (made.verdict, made.comparison.matched) == (Verdict.AGREES, 0)


def test_the_brokers_own_visits_are_known() -> None:
    """The one that reads, by what it has noted before, and earlier ones by their keys."""
    world = TrailWorld()
    reconciled(world, Span(since=NOW - DAY, until=NOW))
    name = str(world.ledger.told()[-1].details["own_session_name"])
    visit = exchange(time=NOW, issued_key_id=OWN_KEY, session_name=name, session_id="")
    world.now += timedelta(hours=1)
    world.trail.parts[OWN] = [[visit]]
    made = reconciled(world)
    assert (made.verdict, made.comparison.matched) == (Verdict.AGREES, 1)


def test_the_visit_that_is_under_way_is_known() -> None:
    """Its event may be there before its outcome is: then its name speaks for it, once."""
    world = TrailWorld()
    world.trail.parts[OWN] = [[exchange(time=NOW, issued_key_id=OWN_KEY, session_id="")]]
    looking = world.trail.look_up

    def named(query, **asked):
        name = str(world.ledger.told()[-1].details["own_session_name"])
        part = looking(query, **asked)
        return replace(part, events=tuple(replace(e, session_name=name) for e in part.events))

    world.trail.look_up = named
    made = reconciled(world)
    assert (made.verdict, len(made.comparison.unfinished)) == (Verdict.AGREES, 1)


def test_a_session_that_the_trail_does_not_show() -> None:
    """Told apart from one whose event may still come."""
    world = TrailWorld()
    opened(world)
    made = reconciled(world)
    assert made.verdict is Verdict.MISSING
    assert [missing.access_key_id for missing in made.comparison.missing] == [KEY]
    world.now = OPENED_AT + timedelta(minutes=15)
    assert reconciled(
        world, Span(since=NOW - DAY, until=OPENED_AT + timedelta(minutes=10))
    ).verdict is (Verdict.AGREES)


def test_a_region_that_may_hide_something() -> None:
    """A part that could not be looked at is never a pass."""
    world = TrailWorld()
    world.trail.parts = {GLOBAL: Unseen.REFUSED, ELSEWHERE: Unseen.NOT_ENABLED}
    made = reconciled(world)
    assert (made.verdict, made.complete) == (Verdict.INCOMPLETE, False)
    assert [seen.sight for seen in made.regions] == [Sight.WHOLE, Sight.REFUSED, Sight.NOT_ENABLED]
    assert world.ledger.told()[-1].details["not_seen"] == [f"{GLOBAL}: refused"]
    assert world.ledger.told()[-1].outcome == "failed"


def test_regions_that_the_account_does_not_use_hide_nothing() -> None:
    """STS gives no session in a Region that is not enabled."""
    world = TrailWorld()
    world.trail.parts = {GLOBAL: Unseen.NOT_ENABLED, ELSEWHERE: Unseen.NOT_ENABLED}
    assert reconciled(world).verdict is Verdict.AGREES


def test_nothing_is_missed_where_the_own_region_was_not_seen() -> None:
    """The sessions would all be missing, which says nothing of them."""
    world = TrailWorld()
    opened(world)
    world.trail.parts = {OWN: Unseen.REFUSED}
    assert reconciled(world).comparison.missing == ()


def test_time_that_runs_out() -> None:
    """What was read counts; how far back it went is said, so that the rest can be asked for."""
    world = TrailWorld()
    opened(world)
    opened(world, at=NOW - timedelta(minutes=30), key="ASIALATERLATERLATERL")
    later = exchange(time=NOW - timedelta(hours=1), issued_key_id="ASIABETWEENBETWEENBE")
    world.trail.parts = {OWN: [[later], [FORGED]], GLOBAL: [[]], ELSEWHERE: [[FORGED], []]}
    looking = world.trail.look_up

    def slow(query, **asked):
        world.now += PATIENCE + timedelta(seconds=1)
        return looking(query, **asked)

    world.trail.look_up = slow
    made = reconciled(world)
    own, whole, partly = made.regions
    assert (own.sight, own.back_to) == (Sight.PART, later.time)
    assert whole.sight is Sight.WHOLE
    assert (partly.sight, partly.back_to) == (Sight.PART, FORGED.time)
    assert not made.complete
    assert {missing.access_key_id for missing in made.comparison.missing} == {
        "ASIALATERLATERLATERL"
    }


def test_every_part_of_a_region_is_read() -> None:
    """The forged one may be among the oldest."""
    world = TrailWorld()
    opened(world)
    world.trail.parts[OWN] = [[exchange()], [], [FORGED]]
    assert reconciled(world).comparison.unknown == (FORGED,)
    assert [cursor for region, _, _, cursor in world.trail.asked if region == OWN] == [
        None,
        "1",
        "2",
    ]


def test_regions_can_be_named() -> None:
    """The two usual ones, and those; and no Region of nowhere."""
    world = TrailWorld()
    reconciled(world, Span(since=NOW - DAY, regions=(GLOBAL,)))
    assert world.trail.regions == [OWN, GLOBAL]
    with pytest.raises(InvalidRequest):
        reconciled(world, Span(since=NOW - DAY, regions=("us-moon-1",)))


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (NOW, NOW - DAY),
        (NOW, NOW),
        (NOW + DAY, NOW + 2 * DAY),
        (NOW - 91 * DAY, NOW),
        (NOW - 100 * DAY, NOW - 95 * DAY),
        (NOW - 90 * DAY - timedelta(seconds=1), NOW - DAY),
    ],
    ids=["backwards", "no time", "to come", "too long", "too old", "just too old"],
)
def test_times_that_cannot_be_looked_at(since: datetime, until: datetime) -> None:
    """CloudTrail shows 90 days; AWS is not asked, and nothing is written down."""
    world = TrailWorld()
    with pytest.raises(InvalidRequest) as raised:
        reconciled(world, Span(since=since, until=until))
    assert [problem.field for problem in raised.value.problems] == ["from", "to"]
    assert (world.trail.asked, world.ledger.told()) == ([], [])


def test_ninety_days_are_looked_at() -> None:
    """And what is to come is cut off."""
    made = reconciled(TrailWorld(), Span(since=NOW - 90 * DAY, until=NOW + DAY))
    assert (made.since, made.until) == (NOW - 90 * DAY, NOW)


def test_a_closed_account_is_not_entered() -> None:
    """With its own code, and in the ledger."""
    world = TrailWorld(account=account(consent=Consent.OFF))
    with pytest.raises(AccessDenied) as raised:
        reconciled(world)
    assert raised.value.code == "consent_off"
    assert [entry.outcome for entry in world.ledger.told()] == ["refused"]


def test_who_may_not() -> None:
    """An engineer, and another customer."""
    world = TrailWorld()
    for call in (call_of(Role.ENGINEER), call_of(Role.CUSTOMER, accounts=(OTHER_ACCOUNT,))):
        with pytest.raises(AccessDenied):
            world.reconcile_ledger(ACCOUNT, Span(since=NOW - DAY), call)
    assert world.door.asked == []
    with pytest.raises(NotFound):
        reconciled(TrailWorld(account=None))


def test_what_aws_refuses_is_in_the_ledger() -> None:
    """The read role is gone, say."""
    world = TrailWorld()
    world.door.error = UpstreamRejected("No.")
    with pytest.raises(UpstreamRejected):
        reconciled(world)
    assert [entry.outcome for entry in world.ledger.told()] == ["intended", "failed"]


def test_a_long_chain_is_not_read_from_its_beginning() -> None:
    """The window is found by halving."""
    ledger, chain = Ledger(), chain_of(ACCOUNT)
    event = Event(actor="a", action=LedgerAction.CANARY, outcome=Outcome.DONE)
    for minute in range(5000):
        ledger.record(chain, event, now=NOW + timedelta(minutes=minute))
    since, until = NOW + timedelta(minutes=3000), NOW + timedelta(minutes=3010)
    read = list(entries_around(ledger, chain, since=since, until=until))
    slack = int(SLACK.total_seconds() // 60)
    assert [entry.seq for entry in (read[0], read[-1])] == [3001 - slack, 3011 + slack]
    assert len(read) == 11 + 2 * slack
    assert ledger.reads < 20


@pytest.mark.parametrize("minute", [-100, 10_000])
def test_a_window_without_entries(minute: int) -> None:
    """Before the first, and after the last."""
    ledger, chain = Ledger(), chain_of(ACCOUNT)
    moment = NOW + timedelta(minutes=minute)
    assert list(entries_around(ledger, chain, since=moment, until=moment)) == []
    event = Event(actor="a", action=LedgerAction.CANARY, outcome=Outcome.DONE)
    for number in range(1001):
        ledger.record(chain, event, now=NOW + timedelta(minutes=number))
    assert list(entries_around(ledger, chain, since=moment, until=moment)) == []
    whole = entries_around(ledger, chain, since=NOW, until=NOW + timedelta(days=9))
    assert [entry.seq for entry in whole] == list(range(1, 1002))
