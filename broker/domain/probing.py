"""How AWS is asked whether a revocation holds: by a harmless call that only the Deny can stop.

The broker keeps no credentials, so it cannot try those that were revoked. It opens a twin: a
session of its own that carries the same `Session` tag, which is what the Deny looks at.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from broker.domain.accounts import Account
from broker.domain.grants import Access
from broker.domain.identifiers import EngineerId
from broker.domain.sessions import Session

PROBER = EngineerId("broker-probe")
"""The source identity of twins: what they do is the broker's, not the engineer's."""

PROBED_ACTIONS: Mapping[Access, str] = {
    Access.READ: "ec2:DescribeRegions",
    Access.CASE: "support:DescribeSeverityLevels",
}
"""What each role may do whatever the account's profile, what tells nothing about the customer, and
what IAM decides on: sts:GetCallerIdentity, which no Deny stops, would prove nothing."""

SOON = timedelta(seconds=20)
"""For so long a twin goes on asking; IAM's changes take a few seconds."""

GRACE = timedelta(seconds=10)
"""How long the account's own pass is waited for before AWS is asked without it."""

EVERY = timedelta(seconds=1)
"""How soon AWS is asked again at the earliest."""


def is_settled(account: Account, now: datetime) -> bool:
    """Whether what the account's record wants stands in the account.

    Whoever revokes makes the account due at once, and only a pass that brought all of it about
    makes it due later.
    """
    return (
        account.failures == 0 and account.next_check_at is not None and account.next_check_at > now
    )


def pause_after(session: Session, now: datetime) -> timedelta:
    """How long to wait before AWS is asked again: half as long as it has taken so far."""
    return max(EVERY, (now - (session.revoked_at or now)) / 2)


def proved_with(leader: Session, other: Session) -> bool:
    """Whether AWS's refusal of the leader's twin shows that it refuses `other` too.

    Both are denied by one inline policy of one role. What was revoked no later than the leader
    stands in every document that names the leader's tag: by its own tag, or by its time of issue.
    So the twin, though younger than that time, proves a denial by time as well.
    """
    return (
        other.access is leader.access
        and other.refused_at is None
        and other.revoked_at is not None
        and leader.revoked_at is not None
        and other.revoked_at <= leader.revoked_at
    )
