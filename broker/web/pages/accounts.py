"""`/accounts`: how each account stands, what is installed there, and the customer's switches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile
from typing import Annotated

from pydantic import Field, field_validator

from broker.domain.accounts import LEAVING, WITHOUT_ROLES, Account, AccountState, Consent
from broker.domain.grants import GrantState
from broker.domain.identifiers import AccountId, BucketName
from broker.domain.identity.permissions import Action, may_ever, permits
from broker.domain.ports import Page as Part
from broker.domain.role_plan import wanted_in
from broker.domain.sessions import LONGEST_OF_AWS, Session
from broker.domain.steps import describe
from broker.services import paging
from broker.services.access.grants import GrantFilter
from broker.services.calls import Call
from broker.services.lifecycle.accounts import AccountChange, BucketChange
from broker.services.lifecycle.rotating import Urgency
from broker.services.reading import Window
from broker.web.pages.account_words import (
    CONSENT_CHOICES,
    installed_in,
    installed_title,
    situation,
)
from broker.web.pages.fields import EMPTY_IS_NONE, ListQuery
from broker.web.pages.notices import Notice
from broker.web.pages.once import Counts
from broker.web.pages.showing import Standing, standing
from broker.web.pages.site import Form, GoTo, Page, Section
from broker.wiring import Services
from keys.rotation_plan import ActivateKey, upcoming

section = Section("accounts")
_PART = 50
_MANY = 50
"""Requests are counted up to this number."""


class _ListQuery(ListQuery):
    state: AccountState | None = None


class _ConsentForm(Form):
    consent: Consent


class _BucketForm(Form):
    bucket: Annotated[BucketName | None, EMPTY_IS_NONE]


class _SureForm(Form):
    """What cannot be taken back takes a tick first."""

    sure: Annotated[str, Field(validate_default=True)] = ""

    @field_validator("sure")
    @classmethod
    def _is_ticked(cls, value: str) -> str:
        if value != "yes":
            raise ValueError("tick the box first: this cannot be taken back")
        return value


@section.page("/accounts", query=_ListQuery)
def accounts(services: Services, call: Call, query: _ListQuery) -> Page:
    """The accounts that the viewer may see; those that lack their stack stand out."""
    window = Window(_PART, query.cursor)
    page = services.reading.account_page(window, call, state=query.state)
    shown = {
        "items": page.items,
        "next": page.next,
        "filters": query.filters,
        "states": list(AccountState),
        "without_roles": WITHOUT_ROLES,
        "launch_urls": {each.account_id: launch_url(each, services, call) for each in page.items},
    }
    return Page("accounts.html", shown)


@section.page("/accounts/<account_id>")
def account(services: Services, call: Call, account_id: AccountId) -> Page:
    """One account: its state, what is installed and why, consent, and who is in there now."""
    found = services.reading.account(account_id, call).record
    now = services.clock()
    wanted = wanted_in(found, services.reconcile.policy, now=now)
    prefix = services.onboarding.name_prefix
    shown = {
        "account": found,
        "now": now,
        "situation": situation(found),
        "installed": installed_in(found, wanted, name_prefix=prefix),
        "installed_title": installed_title(found.state),
        "is_leaving": found.state in LEAVING,
        "choices": CONSENT_CHOICES,
        "launch_url": launch_url(found, services, call),
        "live": _live(services, call, account_id, now),
        "waiting": _waiting(services, call, account_id),
        "many": _MANY,
        "rotation_due": _rotation_due(found, services),
    }
    return Page("account.html", shown)


@section.page("/accounts/<account_id>/plan")
def plan(services: Services, call: Call, account_id: AccountId) -> Page:
    """What a reconciliation would do now, and why; nothing is changed."""
    steps = services.reconcile.planned(account_id, call)
    told = [(describe(step), step.why) for step in steps]
    return Page("account_plan.html", {"account_id": account_id, "steps": told})


@section.action("/accounts/<account_id>/consent", form=_ConsentForm)
def change_consent(
    services: Services, call: Call, account_id: AccountId, form: _ConsentForm
) -> GoTo:
    """Write the customer's word down, then bring it into the account."""
    change = AccountChange(consent=form.consent)
    services.accounts.change(account_id, change, call, expected=None)
    services.revoking.enforce_consent(account_id, call)
    return _back(account_id, Notice.CONSENT_CHANGED)


@section.action("/accounts/<account_id>/checkpoint-bucket", form=_BucketForm)
def change_bucket(services: Services, call: Call, account_id: AccountId, form: _BucketForm) -> GoTo:
    """Say where signed heads of the ledger are copied to."""
    change = AccountChange(checkpoint_bucket=BucketChange(form.bucket))
    services.accounts.change(account_id, change, call, expected=None)
    return _back(account_id, Notice.BUCKET_CHANGED)


@section.action("/accounts/<account_id>/revocation", form=_SureForm)
def revoke_all(services: Services, call: Call, account_id: AccountId, form: _SureForm) -> GoTo:
    """End every grant and every live session of the account."""
    del form
    services.revoking.account(account_id, call)
    return _back(account_id, Notice.ACCOUNT_REVOKED)


@section.action("/accounts/<account_id>/reconciliation")
def reconcile(services: Services, call: Call, account_id: AccountId) -> GoTo:
    """Bring the account to what is wanted; where that fails, its page says why."""
    reached = services.reconcile(account_id, call)
    return _back(account_id, None if reached.last_error else Notice.RECONCILED)


@section.action("/accounts/<account_id>/key-rotation")
def rotate(services: Services, call: Call, account_id: AccountId) -> GoTo:
    """Let the next key sign as soon as AWS knows it."""
    services.rotating(account_id, Urgency.WHEN_READY, call)
    return _back(account_id, Notice.ROTATION_ASKED)


@section.action("/accounts/<account_id>/emergency-rotation", form=_SureForm, counts=Counts.ONCE)
def rotate_at_once(services: Services, call: Call, account_id: AccountId, form: _SureForm) -> GoTo:
    """Drop every key that has signed, and end every live session.

    Done twice it would drop the key that has just begun to sign.
    """
    del form
    services.rotating(account_id, Urgency.EMERGENCY, call)
    return _back(account_id, Notice.KEYS_DROPPED)


def _back(account_id: AccountId, notice: Notice | None) -> GoTo:
    return GoTo(f"/accounts/{account_id}", notice)


def launch_url(account: Account, services: Services, call: Call) -> str | None:
    """Where the stack is created, for who may do that, while there is none."""
    if account.state not in WITHOUT_ROLES:
        return None
    onboards = permits(call.caller, Action.ONBOARD_ACCOUNT, account_id=account.account_id)
    return services.onboarding.launch_url(account) if onboards else None


def _live(
    services: Services, call: Call, account_id: AccountId, now: datetime
) -> Sequence[Session] | None:
    """Who is in the account now, as far as the viewer may know; None where they may not."""
    if not may_ever(call.caller, Action.READ_SESSION):
        return None

    def part(cursor: str | None) -> Part[Session]:
        window = Window(paging.LIMIT, cursor)
        return services.reading.session_page(window, call, account_id=account_id)

    # No role of AWS lets a session last longer, so older ones need not be read.
    recent = takewhile(lambda each: each.issued_at > now - LONGEST_OF_AWS, paging.every(part))
    return [each for each in recent if standing(each, now) is Standing.LIVE]


def _waiting(services: Services, call: Call, account_id: AccountId) -> int | None:
    """How many requests wait for a decision; None for whoever may not know."""
    if not may_ever(call.caller, Action.READ_GRANT):
        return None
    wanted = GrantFilter(account_id=account_id, state=GrantState.REQUESTED)
    return len(services.granting.grants.page(Window(_MANY, None), wanted, call).items)


def _rotation_due(account: Account, services: Services) -> datetime | None:
    """When the next key is to sign; None where nothing is planned."""
    if account.state in LEAVING:
        return None
    ahead = upcoming(
        account.keys,
        services.accounts.key_keeping.policy,
        asked_at=account.rotation_asked_at,
    )
    return min((due.at for due in ahead if isinstance(due.step, ActivateKey)), default=None)
