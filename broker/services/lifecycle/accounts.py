"""Registering accounts and changing what is wanted of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from broker.domain.accounts import Account, AccountState, Consent, Payer, Profile
from broker.domain.identifiers import AccountId, BucketName
from broker.domain.identity.permissions import Action
from broker.domain.ledger.entries import Detail, LedgerAction, Outcome, chain_of
from broker.domain.ports import AccountRepository, Journal, Save
from broker.errors import Conflict
from broker.services.ambient import Clock, Entropy
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.leasing import Leasing
from broker.services.lifecycle.key_keeping import KeyKeeping
from broker.services.registered import registered
from keys.types import KeyState

PATIENCE = timedelta(seconds=20)
"""How long a registration waits for a worker that has found the account before it had its keys."""

KEYS_MADE_WITHIN = timedelta(minutes=5)
"""Far longer than a registration takes; then a worker sees to what a crash left undone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """What the console tells of an account at its registration."""

    account_id: AccountId
    customer: str
    payer: Payer
    profile: Profile
    consent: Consent


@dataclass(frozen=True, slots=True)
class BucketChange:
    """Where checkpoints are copied to from now on; None is nowhere."""

    bucket: BucketName | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChange:
    """What is to be different; None leaves a thing as it is."""

    consent: Consent | None = None
    profile: Profile | None = None
    payer: Payer | None = None
    checkpoint_bucket: BucketChange | None = None

    def applied_to(self, account: Account, *, now: datetime, longest_session: timedelta) -> Account:
        """`account` with what is given here in place of what it has; the worker brings it about."""
        changed = replace(
            account,
            profile=self.profile or account.profile,
            payer=self.payer or account.payer,
            next_check_at=now if account.next_check_at else None,
        )
        if self.checkpoint_bucket is not None:
            bucket = self.checkpoint_bucket.bucket
            changed = replace(changed, checkpoint_bucket=bucket, checkpoint_error=None)
        consent = self.consent or account.consent
        return changed.consenting(consent, now=now, longest_session=longest_session)

    def shown(self) -> dict[str, Detail]:
        """What is given, for the ledger."""
        given = {"consent": self.consent, "profile": self.profile, "payer": self.payer}
        shown: dict[str, Detail] = {
            name: value.value for name, value in given.items() if value is not None
        }
        if self.checkpoint_bucket is not None:
            shown["checkpoint_bucket"] = self.checkpoint_bucket.bucket or "none"
        return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """Registration and changes. Both only write down what is wanted; reconciling does it."""

    journal: Journal
    accounts: AccountRepository
    gate: Gate
    leasing: Leasing
    key_keeping: KeyKeeping
    issuer_base: str
    partition: str
    longest_session: timedelta
    clock: Clock
    entropy: Entropy

    def register(self, new: NewAccount, call: Call) -> Account:
        """A new account with its own issuer, ExternalId and two keys, in state `registered`.

        The account is written down before its keys are made, so that of several registrations
        one makes keys, and what a crash leaves undone the worker completes. Raises Conflict
        (`already_registered`) where it exists, DependencyUnavailable where the key provider is
        gone: the account is registered then, and gets its keys as soon as possible.
        """
        self.gate.require(call, Action.REGISTER_ACCOUNT, account_id=new.account_id)
        stored = self.accounts.get(new.account_id)
        if stored is not None and not _has_left(stored.record):
            raise _already_registered()
        account = self._written_down(new, call, expected=stored.version if stored else 0)
        with self.leasing.exclusive(account.account_id, holder=call.request_id, patience=PATIENCE):
            return self.key_keeping.tend(account.account_id, call, marked_at=account.staging_since)

    def _written_down(self, new: NewAccount, call: Call, *, expected: int) -> Account:
        now = self.clock()
        issuer_id = self.entropy.issuer_id()
        account = Account(
            account_id=new.account_id,
            partition=self.partition,
            customer=new.customer,
            payer=new.payer,
            profile=new.profile,
            consent=new.consent,
            state=AccountState.REGISTERED,
            issuer=f"{self.issuer_base}/oidc/{issuer_id}",
            issuer_id=issuer_id,
            external_id=self.entropy.external_id(),
            keys=(),
            created_at=now,
            staging_since=now,
            next_check_at=now + KEYS_MADE_WITHIN,
        )
        event = call.event(
            LedgerAction.ACCOUNT_REGISTERED,
            Outcome.DONE,
            ids={"account": account.account_id},
            details={
                "customer": account.customer,
                "issuer": account.issuer,
                "profile": account.profile.value,
                "consent": account.consent.value,
                "payer": account.payer is Payer.YES,
            },
        )
        try:
            self.journal.record(
                chain_of(account.account_id),
                event,
                now=now,
                saves=[Save(account, expected=expected)],
            )
        except Conflict as e:
            raise _already_registered() from e
        return account

    def change(
        self, account_id: AccountId, change: AccountChange, call: Call, *, expected: int | None
    ) -> Account:
        """The account with `change` applied; `expected` refuses a version that is not current.

        Consent and bucket belong to the customer, the rest to the vendor. Raises NotFound,
        AccessDenied, Conflict (`stale_version`).
        """
        if change.consent is not None:
            self.gate.require(call, Action.CHANGE_CONSENT, account_id=account_id)
        if change.profile is not None or change.payer is not None:
            self.gate.require(call, Action.CHANGE_ACCOUNT, account_id=account_id)
        if change.checkpoint_bucket is not None:
            self.gate.require(call, Action.CHANGE_CHECKPOINT_BUCKET, account_id=account_id)
        stored = registered(self.accounts, account_id)
        if expected is not None and expected != stored.version:
            raise Conflict("The account has changed since you read it. Read it again.")
        now = self.clock()
        changed = change.applied_to(stored.record, now=now, longest_session=self.longest_session)
        self.journal.record(
            chain_of(account_id),
            call.event(
                LedgerAction.ACCOUNT_CHANGED,
                Outcome.DONE,
                ids={"account": account_id},
                details=change.shown(),
            ),
            now=now,
            saves=[Save(changed, expected=stored.version)],
        )
        return changed


def _has_left(account: Account) -> bool:
    """Whether the account was removed and its issuer closed: then it may come again, as new."""
    closed = all(key.state is KeyState.RETIRED for key in account.keys)
    return account.state is AccountState.REMOVED and closed


def _already_registered() -> Conflict:
    return Conflict(
        "The account is registered already. `GET /v1/accounts/{id}` shows it.",
        code="already_registered",
    )
