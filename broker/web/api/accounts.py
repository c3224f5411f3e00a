"""`/v1/accounts`: registering, reading, changing, reconciling."""

from __future__ import annotations

import re

from flask import request

from broker.contract.accounts import (
    AccountAnswer,
    AccountBody,
    AccountPage,
    AccountPatch,
    KeyRotationBody,
    PlanAnswer,
)
from broker.contract.base import ListQuery
from broker.contract.proofs import ProofAnswer
from broker.domain.accounts import Payer
from broker.domain.identifiers import AccountId
from broker.errors import FieldProblem, InvalidRequest
from broker.services.calls import Call
from broker.services.lifecycle.accounts import AccountChange, BucketChange, NewAccount
from broker.services.lifecycle.rotating import Urgency
from broker.services.reading import Window
from broker.web.endpoints import Api, Reply
from broker.wiring import Services

api = Api("accounts")


@api.endpoint("POST", "/v1/accounts", body=AccountBody, answer=AccountAnswer, status=201)
def register_account(services: Services, call: Call, body: AccountBody) -> AccountAnswer:
    """Register a customer's account: it gets an issuer, keys and a link to launch the stack."""
    account = services.accounts.register(
        NewAccount(
            account_id=body.account_id,
            customer=body.customer,
            payer=_payer(wanted=body.payer),
            profile=body.profile,
            consent=body.consent,
        ),
        call,
    )
    return AccountAnswer.of(account, services.onboarding, call.caller)


@api.endpoint("GET", "/v1/accounts", query=ListQuery, answer=AccountPage)
def list_accounts(services: Services, call: Call, query: ListQuery) -> AccountPage:
    """List the accounts that the caller may see."""
    page = services.reading.account_page(Window(query.limit, query.cursor), call)
    items = [AccountAnswer.of(account, services.onboarding, call.caller) for account in page.items]
    return AccountPage(items=items, next=page.next)


@api.endpoint("GET", "/v1/accounts/<account_id>", answer=AccountAnswer)
def show_account(services: Services, call: Call, account_id: AccountId) -> Reply:
    """Show one account; the ETag is what a change may name in If-Match."""
    stored = services.reading.account(account_id, call)
    answer = AccountAnswer.of(stored.record, services.onboarding, call.caller)
    return Reply(answer, headers={"ETag": f'"{stored.version}"'})


@api.endpoint("PATCH", "/v1/accounts/<account_id>", body=AccountPatch, answer=AccountAnswer)
def change_account(
    services: Services, call: Call, account_id: AccountId, body: AccountPatch
) -> AccountAnswer:
    """Change consent and bucket (customers) or profile and payer (vendor); honours If-Match."""
    change = AccountChange(
        consent=body.consent,
        profile=body.profile,
        payer=None if body.payer is None else _payer(wanted=body.payer),
        checkpoint_bucket=BucketChange(body.checkpoint_bucket) if body.names_bucket else None,
    )
    account = services.accounts.change(account_id, change, call, expected=_if_match())
    if change.consent is not None:
        account = services.revoking.enforce_consent(account_id, call)
    return AccountAnswer.of(account, services.onboarding, call.caller)


@api.endpoint("POST", "/v1/accounts/<account_id>/reconciliation", answer=AccountAnswer, status=202)
def reconcile_account(services: Services, call: Call, account_id: AccountId) -> AccountAnswer:
    """Bring the account to what is wanted, and prove it; `last_error` says what hinders."""
    account = services.reconcile(account_id, call)
    return AccountAnswer.of(account, services.onboarding, call.caller)


@api.endpoint("POST", "/v1/accounts/<account_id>/revocation", answer=AccountAnswer, status=202)
def revoke_account(services: Services, call: Call, account_id: AccountId) -> AccountAnswer:
    """End every grant and every live session of the account, at once."""
    account = services.revoking.account(account_id, call)
    return AccountAnswer.of(account, services.onboarding, call.caller)


@api.endpoint(
    "POST",
    "/v1/accounts/<account_id>/key-rotation",
    body=KeyRotationBody,
    answer=AccountAnswer,
    status=202,
)
def rotate_keys(
    services: Services, call: Call, account_id: AccountId, body: KeyRotationBody
) -> AccountAnswer:
    """Let the next key sign: when AWS knows it, or, in an emergency, at once.

    An emergency also drops every key that has signed and ends every live session.
    """
    urgency = Urgency.EMERGENCY if body.emergency else Urgency.WHEN_READY
    account = services.rotating(account_id, urgency, call)
    return AccountAnswer.of(account, services.onboarding, call.caller)


@api.endpoint("DELETE", "/v1/accounts/<account_id>", answer=AccountAnswer, status=202)
def remove_account(services: Services, call: Call, account_id: AccountId) -> AccountAnswer:
    """Start the removal: no session opens from now on, and nothing of ours stays in the account."""
    account = services.removal.ask(account_id, call)
    return AccountAnswer.of(account, services.onboarding, call.caller)


@api.endpoint("GET", "/v1/accounts/<account_id>/plan", answer=PlanAnswer)
def plan_account(services: Services, call: Call, account_id: AccountId) -> PlanAnswer:
    """Show what a reconciliation would do now and why, without doing it."""
    return PlanAnswer.of(services.reconcile.planned(account_id, call))


@api.endpoint("GET", "/v1/accounts/<account_id>/proof", answer=ProofAnswer)
def prove_account(services: Services, call: Call, account_id: AccountId) -> ProofAnswer:
    """Prove what the support roles may do, action by action, from what is attached to them now."""
    return ProofAnswer.of(services.prove(account_id, call))


def _payer(*, wanted: bool) -> Payer:
    return Payer.YES if wanted else Payer.NO


def _if_match() -> int | None:
    """The version that If-Match names (RFC 9110, section 13.1.1); None where it names none."""
    given = request.headers.get("If-Match")
    if given is None or given == "*":
        return None
    version = re.fullmatch(r'"([0-9]{1,15})"', given)
    if version is None:
        raise InvalidRequest(
            "If-Match must be the ETag of the account as it was read.",
            problems=[FieldProblem("If-Match", "must be an ETag that the account was read with")],
        )
    return int(version[1])
