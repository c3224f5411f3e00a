"""The models of `/v1/accounts`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import model_validator

from broker.contract.base import Answer, Body, ShortText
from broker.domain.accounts import Account, AccountState, Consent, Payer, Profile
from broker.domain.identifiers import AccountId, BucketName
from broker.domain.identity.permissions import Action, Caller, permits
from broker.domain.onboarding import Onboarding
from broker.domain.steps import Step, describe
from broker.domain.times import Timestamp


class AccountBody(Body):
    """An account to register."""

    account_id: AccountId
    customer: ShortText
    payer: bool = False
    profile: Profile = Profile.METADATA
    consent: Literal[Consent.STANDING, Consent.PER_GRANT] = Consent.STANDING


class AccountPatch(Body):
    """What is to change; consent and bucket are the customer's to give, the rest the vendor's.

    `checkpoint_bucket` gets a copy of each signed head of the ledger; null is no bucket any more.
    """

    consent: Consent | None = None
    profile: Profile | None = None
    payer: bool | None = None
    checkpoint_bucket: BucketName | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        given = (self.consent, self.profile, self.payer)
        if given == (None, None, None) and not self.names_bucket:
            raise ValueError(
                "must name what is to change: consent, profile, payer or checkpoint_bucket"
            )
        return self

    @property
    def names_bucket(self) -> bool:
        """Whether a bucket is named, or null for none any more."""
        return "checkpoint_bucket" in self.model_fields_set


class KeyRotationBody(Body):
    """How soon the next key has to sign."""

    emergency: bool


class KeyAnswer(Answer):
    """One signing key of an account."""

    kid: str
    state: str
    algorithm: str
    created_at: Timestamp


class AccountAnswer(Answer):
    """An account; `launch_url` is what the customer clicks to create the stack.

    It and `external_id` are null for callers who do not onboard the account: a stack's requests
    are believed by the ExternalId, so whoever only reads must not be able to make one up.
    """

    account_id: AccountId
    partition: str
    customer: str
    payer: bool
    profile: Profile
    consent: Consent
    state: AccountState
    issuer: str
    external_id: str | None
    launch_url: str | None
    template_version: str | None
    last_error: str | None
    checkpoint_bucket: str | None
    checkpoint_error: str | None
    next_check_at: Timestamp | None
    created_at: Timestamp
    keys: list[KeyAnswer]

    @classmethod
    def of(cls, account: Account, onboarding: Onboarding, caller: Caller) -> AccountAnswer:
        """The answer for `account`, as much of it as `caller` may have."""
        onboards = permits(caller, Action.ONBOARD_ACCOUNT, account_id=account.account_id)
        return cls(
            account_id=account.account_id,
            partition=account.partition,
            customer=account.customer,
            payer=account.payer is Payer.YES,
            profile=account.profile,
            consent=account.consent,
            state=account.state,
            issuer=account.issuer,
            external_id=account.external_id if onboards else None,
            launch_url=onboarding.launch_url(account) if onboards else None,
            template_version=account.template_version,
            last_error=account.last_error,
            checkpoint_bucket=account.checkpoint_bucket,
            checkpoint_error=account.checkpoint_error,
            next_check_at=account.next_check_at,
            created_at=account.created_at,
            keys=[
                KeyAnswer(
                    kid=key.kid,
                    state=key.state.value,
                    algorithm=key.reference.algorithm.value,
                    created_at=key.created_at,
                )
                for key in account.keys
            ],
        )


class StepAnswer(Answer):
    """One step of a plan."""

    step: str
    why: str


class PlanAnswer(Answer):
    """What a reconciliation would do, in order; nothing where all is well."""

    steps: list[StepAnswer]

    @classmethod
    def of(cls, steps: Sequence[Step]) -> PlanAnswer:
        """The answer for a plan."""
        return cls(steps=[StepAnswer(step=describe(step), why=step.why) for step in steps])


class AccountPage(Answer):
    """A part of the accounts."""

    items: list[AccountAnswer]
    next: str | None
