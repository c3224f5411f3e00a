"""Revocations: what is denied, for how long, and that the policy always fits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.accounts import Consent, Profile
from broker.domain.iam_documents import compact, denial, denied_reads
from broker.domain.identifiers import SessionId
from broker.domain.revocations import (
    MOST_BY_TAG,
    NOTHING_REVOKED,
    Revocations,
    RevokedSession,
)
from tests.unit.domain.making import NOW, account

HOUR = timedelta(hours=1)


def revoked(number: int, *, expires_in: timedelta = HOUR) -> RevokedSession:
    """A session to deny."""
    return RevokedSession(session_id=SessionId(f"s-{number:020x}"), expires_at=NOW + expires_in)


def denying(revocations: Revocations, session: RevokedSession) -> Revocations:
    """What is denied with this session too: by its tag, or everything where there is no room."""
    if revocations.has_room_for([session], now=NOW):
        return revocations.with_sessions([session], now=NOW)
    return revocations.with_everything(issued_before=NOW, until=NOW + HOUR, by_tag=[session])


def after(count: int) -> Revocations:
    """What is denied after so many single revocations at once."""
    revocations = NOTHING_REVOKED
    for number in range(count):
        revocations = denying(revocations, revoked(number))
    return revocations


def test_one_session_is_denied_by_its_tag():
    """Deny everything to whoever carries that session's tag."""
    assert denial(after(1), everything=False)["Statement"] == [
        {
            "Sid": "RevokedSessions",
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalTag/Session": f"s-{0:020x}"}},
        }
    ]


def test_everything_is_denied_by_time():
    """All sessions that were issued before."""
    all_of_them = NOTHING_REVOKED.with_everything(issued_before=NOW, until=NOW + HOUR)
    (statement,) = denial(all_of_them, everything=False)["Statement"]
    assert statement["Condition"] == {
        "DateLessThan": {"aws:TokenIssueTime": "2026-11-24T12:00:00Z"}
    }


def test_a_revoked_session_stays_denied_when_everything_is_revoked():
    """It was issued when sessions lasted longer, and must not come back to life before its end."""
    long_lived = NOTHING_REVOKED.with_sessions([revoked(1, expires_in=3 * HOUR)], now=NOW)
    all_of_them = long_lived.with_everything(issued_before=NOW, until=NOW + HOUR)
    assert all_of_them.at(NOW + 2 * HOUR).issued_before == NOW
    assert all_of_them.at(NOW + 3 * HOUR) == NOTHING_REVOKED


def test_some_are_denied_by_tag_where_all_are_by_time():
    """Whoever is asked about afterwards is younger than that time, and carries only the tag."""
    all_of_them = after(3).with_everything(
        issued_before=NOW, until=NOW + HOUR, by_tag=[revoked(7, expires_in=2 * HOUR)]
    )
    by_time, by_tag = denial(all_of_them, everything=False)["Statement"]
    assert by_time["Sid"] == "IssuedBefore"
    assert by_tag["Condition"] == {"StringEquals": {"aws:PrincipalTag/Session": f"s-{7:020x}"}}
    assert all_of_them.until == NOW + 2 * HOUR


def test_there_is_room_for_so_many_and_not_one_more():
    """More would not fit a role's policies, so more is refused here."""
    full = after(MOST_BY_TAG)
    assert len(full.sessions) == MOST_BY_TAG
    assert full.has_room_for([revoked(0)], now=NOW)
    assert not full.has_room_for([revoked(MOST_BY_TAG)], now=NOW)
    with pytest.raises(ValueError, match="by time"):
        full.with_sessions([revoked(MOST_BY_TAG)], now=NOW)
    many = [revoked(number) for number in range(2 * MOST_BY_TAG)]
    by_time = full.with_everything(issued_before=NOW, until=NOW + HOUR, by_tag=many)
    assert len(by_time.sessions) == MOST_BY_TAG


def test_denying_again_changes_nothing():
    """The same session is named once, and what has expired makes room."""
    assert after(2).with_sessions([revoked(1)], now=NOW) == after(2)
    full = after(MOST_BY_TAG)
    late = revoked(MOST_BY_TAG, expires_in=3 * HOUR)
    assert full.with_sessions([late], now=NOW + HOUR).sessions == (late,)


def test_consent_off_denies_whatever_and_whenever():
    """No condition: nothing that is issued later gets through either."""
    (statement,) = denial(after(3), everything=True)["Statement"]
    assert "Condition" not in statement


def test_nothing_revoked_is_no_policy():
    """An empty policy document would be refused by IAM."""
    assert denial(NOTHING_REVOKED, everything=False) is None


def test_a_thousand_revocations_in_an_hour_fall_back_to_time():
    """Past what fits, everything issued so far is denied, and single sessions start anew."""
    many = after(1000)
    assert many.issued_before == NOW
    assert len(many.sessions) <= MOST_BY_TAG
    assert many.until >= NOW + HOUR


@given(st.integers(0, 3 * MOST_BY_TAG))
def test_the_policy_always_fits(count):
    """Together with the longest Deny of reads it stays within a role's inline quota."""
    document = denial(after(count), everything=False)
    size = len(compact(document)) if document else 0
    assert size + len(compact(denied_reads(Profile.METADATA, partition="aws-us-gov"))) <= 10_240


@given(st.lists(st.integers(1, 10_000), max_size=300))
def test_a_revoked_session_is_denied_until_it_has_expired(lifetimes):
    """Whatever else is revoked, each session is covered by its tag or by time while it lives."""
    revocations = NOTHING_REVOKED
    sessions = [
        revoked(number, expires_in=timedelta(seconds=life)) for number, life in enumerate(lifetimes)
    ]
    for session in sessions:
        revocations = denying(revocations, session)
    moment = NOW + timedelta(seconds=5_000)
    still = revocations.at(moment)
    for session in sessions:
        if session.expires_at > moment:
            by_tag = session in still.sessions
            by_time = still.issued_before is not None and still.until >= session.expires_at
            assert by_tag or by_time


def test_expired_denials_are_cleaned_away():
    """Nothing is denied longer than it could live, and the next clean-up is known."""
    revocations = after(2).with_everything(issued_before=NOW, until=NOW + 2 * HOUR)
    assert revocations.sessions == after(2).sessions
    assert revocations.next_expiry(NOW) == NOW + HOUR
    assert revocations.at(NOW + HOUR).sessions == ()
    assert revocations.at(NOW + HOUR).issued_before == NOW
    assert revocations.at(NOW + 2 * HOUR) == NOTHING_REVOKED


def test_switching_consent_off_and_on_revives_nothing():
    """Sessions from before either switch stay dead."""
    longest = timedelta(hours=4)
    off = account().consenting(Consent.OFF, now=NOW, longest_session=longest)
    assert off.revocations.issued_before == NOW
    later = NOW + timedelta(minutes=5)
    on = off.consenting(Consent.STANDING, now=later, longest_session=longest)
    assert on.revocations.issued_before == later
    assert on.revocations.until == later + longest
    same = on.consenting(Consent.STANDING, now=later + HOUR, longest_session=longest)
    assert same == on
    assert (account().closed_at, off.closed_at, on.closed_at) == (None, NOW, later)
    stricter = account().consenting(Consent.PER_GRANT, now=later, longest_session=longest)
    assert stricter.closed_at is None
