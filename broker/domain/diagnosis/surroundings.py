"""The broker's own AWS account and clock, set beside what AWS says of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from broker.domain.diagnosis import Check

NOTICEABLE = timedelta(seconds=30)
TOLERATED_BY_AWS = timedelta(seconds=300)
"""By STS for the times in a token, and for signed calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnIdentity:
    """How AWS sees the broker.

    `account_id` is None where AWS does not take its credentials; then `refusal` is the reason, as
    AWS's code. `at` is the time by AWS's clock when it answered.
    """

    account_id: str | None
    refusal: str
    at: datetime | None


class AwsMirror(Protocol):
    """Asks AWS who we are."""

    def look(self) -> OwnIdentity:
        """Who we are to AWS. Raises DependencyUnavailable where it cannot be asked."""
        ...


def diagnose_credentials(identity: OwnIdentity, *, vendor_account_id: str) -> Check:
    """The broker's own credentials: taken by AWS, and of the account that customers trust."""
    name = "AWS credentials"
    if identity.account_id is None:
        return Check.failed(
            name,
            f"AWS does not take the broker's own credentials ({identity.refusal}).",
            meaning="Nothing can be signed in KMS, and no customer's account can be looked at.",
            mend="See which credentials the process finds, and whether they have expired.",
        )
    if identity.account_id != vendor_account_id:
        return Check.failed(
            name,
            f"They belong to the account {identity.account_id}.",
            meaning=f"Customers' management roles trust the account {vendor_account_id}, so all of "
            "them refuse us.",
            mend="Run the broker in that account, or correct BROKER_VENDOR_ACCOUNT_ID.",
        )
    return Check.ok(name, "They belong to the account that customers' management roles trust.")


def diagnose_clock(aws: datetime | None, *, asked_at: datetime, answered_at: datetime) -> Check:
    """The clock, against the Date of an answer of AWS's, which is precise to a second."""
    name = "clock"
    if aws is None:
        return Check.not_run(
            name, "AWS's answer came without its time.", mend="Compare with another clock."
        )
    # AWS wrote its time down between the two; only what lies outside of them is a difference.
    ahead = asked_at - aws - timedelta(seconds=1)
    behind = aws - answered_at
    off = max(ahead, behind, timedelta(0))
    seconds = int(off.total_seconds())
    if off < NOTICEABLE:
        return Check.ok(name, f"It is {seconds} s away from AWS's." if seconds else "It is right.")
    found = f"It is {seconds} s {'ahead of' if ahead > behind else 'behind'} AWS's."
    mend = "Let the machine keep its time by NTP, or by the Amazon Time Sync Service."
    if off < TOLERATED_BY_AWS:
        meaning = "AWS tolerates 300 s, in tokens and in signed calls; little is left of that."
        return Check.warning(name, found, meaning=meaning, mend=mend)
    meaning = "AWS refuses tokens and signed calls whose times are more than 300 s off."
    return Check.failed(name, found, meaning=meaning, mend=mend)
