"""Customer accounts: what is wanted there, and how far the broker has come."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from broker.domain.identifiers import AccountId, BucketName, IssuerId
from broker.domain.revocations import NOTHING_REVOKED, Revocations
from broker.domain.times import Timestamp
from keys.rotation import KeyRecord


class AccountState(StrEnum):
    """Where an account stands in its life; only `active` accounts give sessions."""

    REGISTERED = "registered"
    PROVISIONING = "provisioning"
    ACTIVE = "active"
    DEGRADED = "degraded"
    REMOVING = "removing"
    REMOVED = "removed"


LEAVING = (AccountState.REMOVING, AccountState.REMOVED)
"""On its way out, or gone: nothing is repaired, staged or opened any more."""

WITHOUT_ROLES = (AccountState.REGISTERED, AccountState.PROVISIONING)
"""On its way in: roles that anybody could be let in through do not stand there yet."""


class Consent(StrEnum):
    """The customer's word: any open ticket is enough, each grant is asked for, or nothing goes."""

    STANDING = "standing"
    PER_GRANT = "per_grant"
    OFF = "off"


class Profile(StrEnum):
    """How much the read role sees: configuration only, or data too except secrets."""

    METADATA = "metadata"
    FULL = "full"


class Payer(StrEnum):
    """Whether the account pays for an organisation, so that billing and membership are read too."""

    YES = "yes"
    NO = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One customer account as it is wanted and as it was last found.

    `issuer` is the exact `iss` of its tokens. `last_error` is a sentence for people, without ARNs;
    `failures` counts the passes that failed since the last good one, `next_check_at` says when the
    worker looks again. `staging_since` stands while a key is being made, so that a crash then
    leads to looking for that key instead of to a second one.
    """

    account_id: AccountId
    partition: str
    customer: str
    payer: Payer
    profile: Profile
    consent: Consent
    state: AccountState
    issuer: str
    issuer_id: IssuerId
    external_id: str
    keys: tuple[KeyRecord, ...]
    created_at: Timestamp
    template_version: str | None = None
    last_error: str | None = None
    failures: int = 0
    next_check_at: Timestamp | None = None
    revocations: Revocations = NOTHING_REVOKED
    staging_since: Timestamp | None = None
    rotation_asked_at: Timestamp | None = None
    checkpoint_bucket: BucketName | None = None
    """The customer's own S3 bucket, which gets a copy of each signed head of the ledger."""
    checkpoint_error: str | None = None
    """Why the last copy did not get there, as a sentence for people; None where it did."""

    closed_at: Timestamp | None = None
    """When access was last off. What was granted until then ended with it, whatever follows."""

    @property
    def grants_count_since(self) -> datetime:
        """Older grants are nothing to go by: of before access was off, or of an earlier account."""
        return max(self.created_at, self.closed_at or self.created_at)

    @property
    def is_switched_off(self) -> bool:
        """Whether the customer lets nobody in, where that is not said by the account's leaving."""
        return self.consent is Consent.OFF and self.state not in LEAVING

    def in_state(self, state: AccountState, *, error: str | None = None) -> Account:
        """The same account in another state, with the reason where the state is a bad one."""
        return replace(self, state=state, last_error=error)

    def consenting(self, consent: Consent, *, now: datetime, longest_session: timedelta) -> Account:
        """The same account under another consent.

        Switching access off ends what was issued and granted before, and switching it on again
        must not bring that back to life: not even a session that was opened while the first took
        effect.
        """
        if consent is self.consent:
            return self
        changed = replace(self, consent=consent)
        if Consent.OFF not in (consent, self.consent):
            return changed
        revocations = self.revocations.with_everything(
            issued_before=now, until=now + longest_session
        )
        return replace(changed, revocations=revocations, closed_at=now)


def subject_of(account_id: AccountId) -> str:
    """The `sub` of every token for the account; no personal data, as AWS advises."""
    return f"support:{account_id}"
