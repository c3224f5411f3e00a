"""The trail against the ledger: what each of them knows alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from broker.domain.identifiers import EngineerId, SessionId, TicketId
from broker.domain.ledger.entries import (
    Chain,
    Event,
    Head,
    LedgerAction,
    LedgerEntry,
    Outcome,
    seal,
)
from broker.domain.trail.comparison import Comparison, Ours, compare, known_sessions
from broker.domain.trail.events import TrailEvent, parse_event
from broker.domain.trail.own_sessions import OwnSession
from tests.unit.domain.trail_records import (
    AT,
    KEY,
    PROVIDER,
    ROLE,
    SESSION_ID,
    SESSION_NAME,
    exchange_record,
    found,
)

OTHER_KEY = "ASIAZZZZZZZZZZZZZZZZ"
OURS = Ours(
    role_arns="arn:aws:iam::111122223333:role/Acme-Support",
    issuer="broker.example.com/oidc/" + "a" * 32,
)
OWN = OwnSession(
    engineer=EngineerId("broker-canary"),
    ticket_id=TicketId("canary"),
    session_id=SessionId("s-" + "ca" * 10),
)
OWN_KEY = "ASIACANARYCANARYCANA"


def event(**changes: Any) -> TrailEvent:
    """Jane's exchange."""
    return replace(parse_event(found(exchange_record()), region="us-east-1"), **changes)


def entry(
    action: LedgerAction, outcome: Outcome, *, at: datetime = AT, **members: Any
) -> LedgerEntry:
    """An entry of the account's chain."""
    told = Event(actor="somebody", action=action, outcome=outcome, **members)
    return seal(told, chain=Chain("111122223333"), head=Head(), at=at)


def opened(outcome: Outcome = Outcome.DONE, *, at: datetime = AT, **ids: str) -> LedgerEntry:
    """What the ledger has of Jane's session."""
    return entry(
        LedgerAction.SESSION_OPENED,
        outcome,
        at=at,
        ids={"session": SESSION_ID, "ticket": "T-1042", **ids},
        details={"engineer": "jane@vendor.example"},
    )


INTENDED, DONE = opened(Outcome.INTENDED), opened(access_key=KEY)
CANARY_INTENDED = entry(LedgerAction.CANARY, Outcome.INTENDED, ids=OWN.ids, details=OWN.details())
CANARY_DONE = entry(LedgerAction.CANARY, Outcome.DONE, ids=OWN.ids, details=OWN.details([OWN_KEY]))


def compared(events: list[TrailEvent], *entries: LedgerEntry) -> Comparison:
    """Everything there is, in an hour around it."""
    hour = timedelta(hours=1)
    return compare(events, known_sessions(entries), since=AT - hour, until=AT + hour)


def test_what_both_know() -> None:
    """By the access key that AWS chose."""
    assert compared([event()], INTENDED, DONE) == Comparison(
        matched=1, unfinished=(), unknown=(), missing=()
    )


def test_a_session_behind_the_brokers_back() -> None:
    """Nothing in the ledger speaks of it, whatever it calls itself."""
    forged = event(issued_key_id=OTHER_KEY, session_name="jane@T-1-00000000", session_id="s-1")
    assert compared([event(), forged], INTENDED, DONE).unknown == (forged,)


def test_a_token_that_was_used_twice() -> None:
    """The same name and tags, but a key that the broker never had."""
    again = event(issued_key_id=OTHER_KEY)
    found_out = compared([event(), again], INTENDED, DONE)
    assert (found_out.matched, found_out.unknown) == (1, (again,))


def test_a_session_that_the_trail_does_not_show() -> None:
    """Named, with the key to look for."""
    (missing,) = compared([], INTENDED, DONE).missing
    assert (missing.session_id, missing.access_key_id) == (SESSION_ID, KEY)
    assert (missing.role_session_name, missing.at) == (SESSION_NAME, AT)


@pytest.mark.parametrize("away", [timedelta(hours=-2), timedelta(hours=2)])
def test_nothing_is_missed_outside_of_the_time_that_was_looked_at(away: timedelta) -> None:
    """Events may still come, or were not asked for."""
    assert compared([], opened(at=AT + away, access_key=KEY)).missing == ()


@pytest.mark.parametrize("outcome", [(), (opened(Outcome.FAILED),)], ids=["died", "withheld"])
def test_a_session_without_an_outcome_explains_one_event(outcome: tuple[LedgerEntry, ...]) -> None:
    """AWS let it in and the broker died, or withheld it; a second one is somebody else's."""
    second = event(issued_key_id=OTHER_KEY, time=AT + timedelta(seconds=1))
    found_out = compared([second, event()], INTENDED, *outcome)
    assert (found_out.unfinished, found_out.unknown) == ((event(),), (second,))


def test_a_refused_request_explains_nothing() -> None:
    """The broker asked AWS for nothing, so whoever came in did so alone."""
    refused = entry(
        LedgerAction.SESSION_OPENED,
        Outcome.REFUSED,
        ids={"account": "111122223333", "ticket": "T-1042"},
        details={"engineer": "jane@vendor.example"},
    )
    assert compared([event()], refused).unknown == (event(),)


def test_what_aws_refused_is_known_by_name_or_tag() -> None:
    """The broker may have asked several times; nobody got anything."""
    refused = event(issued_key_id=None, error_code="AccessDenied")
    unnamed = replace(refused, session_name="elsewhere")
    assert compared([refused, refused, unnamed], INTENDED).matched == 3


def test_an_attempt_of_a_stranger_is_unknown_though_aws_refused_it() -> None:
    """A token that AWS verified before it refused: somebody holds a key."""
    attempt = event(issued_key_id=None, error_code="AccessDenied", session_name="x", session_id="")
    assert compared([attempt], INTENDED, DONE).unknown == (attempt,)


def test_an_event_that_tells_neither_key_nor_refusal_is_unknown() -> None:
    """What cannot be read proves nothing, though it has a name that we know."""
    silent = event(issued_key_id=None, error_code=None)
    assert compared([silent], INTENDED).unknown == (silent,)


def test_canaries_are_known_by_their_keys() -> None:
    """As the broker's own sessions are, those that read the trail included."""
    canary = event(issued_key_id=OWN_KEY, session_name=OWN.role_session_name, session_id="")
    found_out = compared([canary], CANARY_INTENDED, CANARY_DONE)
    assert (found_out.matched, found_out.unknown) == (1, ())


def test_canaries_that_were_cut_off_explain_one_event_a_role() -> None:
    """Both positive canaries may have been accepted before the broker died, and no third."""
    read = event(issued_key_id=OWN_KEY, session_name=OWN.role_session_name)
    case = replace(read, issued_key_id=OTHER_KEY, role_arn=ROLE.replace("ReadOnly", "Cases"))
    third = replace(read, issued_key_id=KEY, time=AT + timedelta(seconds=9))
    found_out = compared([read, case, third], CANARY_INTENDED)
    assert (found_out.unfinished, found_out.unknown) == ((read, case), (third,))


def test_a_visit_that_was_cut_off_and_repeated() -> None:
    """Twins of a revoked session go by one name: each time that the broker asked counts."""
    first = event(issued_key_id=OTHER_KEY, session_name=OWN.role_session_name)
    second = replace(first, issued_key_id=OWN_KEY, time=AT + timedelta(seconds=9))
    found_out = compared([first, second], CANARY_INTENDED, CANARY_INTENDED, CANARY_DONE)
    assert (found_out.matched, found_out.unfinished) == (1, (first,))
    third = replace(first, issued_key_id=KEY, time=AT + timedelta(minutes=1))
    found_out = compared([first, second, third], CANARY_INTENDED, CANARY_INTENDED, CANARY_DONE)
    assert found_out.unknown == (third,)


def test_the_name_of_a_canary_is_no_pass() -> None:
    """Who calls a forged session so is found out once the canaries have noted their keys."""
    forged = event(issued_key_id=OTHER_KEY, session_name=OWN.role_session_name)
    assert compared([forged], CANARY_INTENDED, CANARY_DONE).unknown == (forged,)


@pytest.mark.parametrize(
    ("changes", "owned"),
    [
        ({}, True),
        ({"identity_provider": "accounts.example.com"}, True),
        ({"role_arn": "arn:aws:iam::111122223333:role/Theirs"}, True),
        ({"role_arn": "arn:aws:iam::111122223333:role/Theirs", "identity_provider": ""}, False),
        (
            {
                "role_arn": "arn:aws:iam::111122223333:role/cluster",
                "identity_provider": "arn:aws:iam::111122223333:oidc-provider/oidc.eks.example",
            },
            False,
        ),
        ({"role_arn": "", "identity_provider": ""}, True),
    ],
    ids=["ours", "our role", "our issuer", "neither", "a cluster's", "untold"],
)
def test_which_exchanges_are_ours(changes: dict[str, str], owned: bool) -> None:
    """By role or by issuer; the customer's own clusters are none of our business."""
    assert OURS.owns(event(**changes)) is owned
    assert PROVIDER.endswith(OURS.issuer)
