"""Promise 8: asking again is safe; and what the customer's side changes is found and mended."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from broker.cli.demo.stage import Customer
from tests.e2e.estate import (
    AWS_MANAGED,
    CASE_ROLE,
    MANAGEMENT_ROLE,
    READ_ROLE,
    delete_role,
    estate,
    providers,
)
from tests.e2e.world import METADATA, World

STACK = "support-access"
"""The name under which the stage makes each customer's stack."""

LETS_ANYBODY_IN = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"},
        ],
    }
)
ALLOWS_EVERYTHING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
)


def steps_of(world: World, account_id: str, *, after: int) -> list[str]:
    """What the broker did in the account since its chain had `after` entries."""
    entries = world.ledger(account_id)[after:]
    return [entry["details"]["step"] for entry in entries if entry["action"] == "account.step"]


def test_reconciling_again_changes_nothing(world: World, customer: Customer) -> None:
    """Where everything stands as wanted, a pass takes no step; it still runs its canaries."""
    account_id = customer.account["account_id"]
    standing, entries = estate(world, customer), len(world.ledger(account_id))
    again = [world.reconcile(account_id) for _ in range(2)]
    assert [account["state"] for account in again] == ["active", "active"]
    assert estate(world, customer) == standing
    assert steps_of(world, account_id, after=entries) == []
    told = [(entry["action"], entry["outcome"]) for entry in world.ledger(account_id)[entries:]]
    for outcome in ("intended", "done"):
        assert told.count(("account.canary", outcome)) == 2


def test_registering_again_is_told(world: World) -> None:
    """A second registration is refused and leaves issuer, ExternalId and keys as they are."""
    path = f"/v1/accounts/{METADATA}"
    before = world.console.ask("GET", path)
    body = {"account_id": METADATA, "customer": "Somebody else", "profile": "full"}
    answer = world.console.http.post("/v1/accounts", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "already_registered")
    assert world.console.ask("GET", path) == before


def test_a_registration_sent_twice_has_one_effect_and_two_answers(world: World) -> None:
    """With the same Idempotency-Key the first answer comes again, and one account exists."""
    account_id = str(next(world.numbers))
    body = {"account_id": account_id, "customer": "Twice"}
    headers = {"Idempotency-Key": f"register-{account_id}"}
    first, second = (
        world.console.http.post("/v1/accounts", json=body, headers=headers) for _ in range(2)
    )
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    registered = [entry["action"] for entry in world.ledger(account_id)]
    assert registered == ["account.registered", "key.staged", "key.activated", "key.staged"]


def test_a_session_asked_for_twice_is_opened_once(world: World) -> None:
    """Credentials are given once: the second answer says so, and no second session exists."""
    ticket = world.ticket("T-twice", METADATA)
    body = {"account_id": METADATA, "ticket": ticket}
    headers = {"Idempotency-Key": "one-session"}
    first, second = (
        world.engineer.http.post("/v1/sessions", json=body, headers=headers) for _ in range(2)
    )
    assert first.status_code == 201
    assert (second.status_code, second.json()["code"]) == (409, "already_answered")
    assert "credentials" not in second.json()
    opened = [
        entry
        for entry in world.ledger(METADATA)
        if entry["ids"].get("ticket") == ticket and entry["outcome"] == "done"
    ]
    assert [entry["action"] for entry in opened] == ["grant.decided", "session.opened"]


Drift = Callable[[Any], object]


def delete_provider(iam: Any) -> None:
    """The identity provider."""
    (arn,) = providers(iam)
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)


def change_audience(iam: Any) -> None:
    """The provider's client ids: ours goes, another comes."""
    (arn,) = providers(iam)
    iam.add_client_id_to_open_id_connect_provider(
        OpenIDConnectProviderArn=arn, ClientID="another.audience"
    )
    iam.remove_client_id_from_open_id_connect_provider(
        OpenIDConnectProviderArn=arn, ClientID="sts.amazonaws.com"
    )


DRIFTS: Mapping[str, tuple[Drift, list[str]]] = {
    "a policy was detached": (
        lambda iam: iam.detach_role_policy(
            RoleName=READ_ROLE, PolicyArn=f"{AWS_MANAGED}/SecurityAudit"
        ),
        [f"AttachPolicy {READ_ROLE} SecurityAudit"],
    ),
    "a wide policy was attached": (
        lambda iam: iam.attach_role_policy(
            RoleName=READ_ROLE, PolicyArn=f"{AWS_MANAGED}/AdministratorAccess"
        ),
        [f"DetachPolicy {READ_ROLE} AdministratorAccess"],
    ),
    "the Deny was deleted": (
        lambda iam: iam.delete_role_policy(RoleName=READ_ROLE, PolicyName="DeniedReads"),
        [f"PutInlinePolicy {READ_ROLE} DeniedReads"],
    ),
    "the Deny was edited": (
        lambda iam: iam.put_role_policy(
            RoleName=READ_ROLE, PolicyName="DeniedReads", PolicyDocument=ALLOWS_EVERYTHING
        ),
        [f"PutInlinePolicy {READ_ROLE} DeniedReads"],
    ),
    "an inline policy was added": (
        lambda iam: iam.put_role_policy(
            RoleName=CASE_ROLE, PolicyName="more", PolicyDocument=ALLOWS_EVERYTHING
        ),
        [f"DeleteInlinePolicy {CASE_ROLE} more"],
    ),
    "the trust was edited": (
        lambda iam: iam.update_assume_role_policy(
            RoleName=CASE_ROLE, PolicyDocument=LETS_ANYBODY_IN
        ),
        [f"SetTrustPolicy {CASE_ROLE}"],
    ),
    "the boundary was removed": (
        lambda iam: iam.delete_role_permissions_boundary(RoleName=READ_ROLE),
        [f"SetBoundary {READ_ROLE}"],
    ),
    "the boundary was changed": (
        lambda iam: iam.put_role_permissions_boundary(
            RoleName=CASE_ROLE, PermissionsBoundary=f"{AWS_MANAGED}/AdministratorAccess"
        ),
        [f"SetBoundary {CASE_ROLE}"],
    ),
    "the longest session was shortened": (
        lambda iam: iam.update_role(RoleName=READ_ROLE, MaxSessionDuration=3600),
        [f"SetLongestSession {READ_ROLE}"],
    ),
    "a role was deleted": (
        lambda iam: delete_role(iam, CASE_ROLE),
        [f"CreateRole {CASE_ROLE}", f"PutInlinePolicy {CASE_ROLE} SupportCases"],
    ),
    "the provider was deleted": (delete_provider, ["CreateProvider {issuer}"]),
    "the audience was changed": (
        change_audience,
        ["AddClientId sts.amazonaws.com", "RemoveClientId another.audience"],
    ),
}


@pytest.fixture(scope="module")
def drifting(world: World) -> Customer:
    """One customer for all drifts: each is mended before the next."""
    return world.onboard()


@pytest.mark.parametrize("drift", DRIFTS)
def test_drift_is_mended(world: World, drifting: Customer, drift: str) -> None:
    """Reconciling puts back what was there, by exactly the steps that are needed for it."""
    account = drifting.account
    standing, entries = estate(world, drifting), len(world.ledger(account["account_id"]))
    cause, steps = DRIFTS[drift]
    cause(world.administrator("iam", drifting))
    assert estate(world, drifting) != standing
    mended = world.reconcile(account["account_id"])
    assert (mended["state"], mended["last_error"]) == ("active", None)
    assert estate(world, drifting) == standing
    expected = [step.format(issuer=account["issuer"]) for step in steps]
    assert steps_of(world, account["account_id"], after=entries) == expected


def test_everything_gone_but_the_stack_is_built_again(world: World, customer: Customer) -> None:
    """Both roles and the provider come back, and sessions with them."""
    account_id = customer.account["account_id"]
    ticket = world.ticket(f"T-{account_id}", account_id)
    standing = estate(world, customer)
    iam = world.administrator("iam", customer)
    delete_role(iam, READ_ROLE)
    delete_role(iam, CASE_ROLE)
    delete_provider(iam)
    assert set(estate(world, customer)["roles"]) == {MANAGEMENT_ROLE}
    assert world.reconcile(account_id)["state"] == "active"
    assert estate(world, customer) == standing
    world.session(account_id, ticket)


def test_a_change_of_profile_is_applied(world: World, customer: Customer) -> None:
    """The console widens the profile; reconciling makes the role what the profile says."""
    account_id = customer.account["account_id"]
    world.console.ask("PATCH", f"/v1/accounts/{account_id}", {"profile": "full"})
    assert world.reconcile(account_id)["state"] == "active"
    read_role = estate(world, customer)["roles"][READ_ROLE]
    assert read_role["attached"] == [f"{AWS_MANAGED}/ReadOnlyAccess"]
    assert read_role["boundary"] == f"{AWS_MANAGED}/ReadOnlyAccess"
    denied = read_role["inline"]["DeniedReads"]["Statement"][0]["Action"]
    assert "secretsmanager:GetSecretValue" in denied
    assert "s3:GetObject*" not in denied


def test_a_deleted_stack_degrades_the_account_until_it_is_back(
    world: World, customer: Customer
) -> None:
    """Without the management role nothing can be mended: the state says so, in plain words.

    No session is given meanwhile. The stack made anew is found by the next pass.
    """
    account = customer.account
    account_id = account["account_id"]
    ticket = world.ticket(f"T-{account_id}", account_id)
    world.stage.sandbox.delete_stack(account_id, STACK)
    degraded = world.reconcile(account_id)
    assert degraded["state"] == "degraded"
    assert "The management role is missing" in degraded["last_error"]
    assert "arn:" not in degraded["last_error"]
    assert world.ledger(account_id)[-1]["outcome"] == "failed"
    body = {"account_id": account_id, "ticket": ticket}
    refused = world.engineer.http.post("/v1/sessions", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "account_not_active")
    world.stage.create_stack(account)
    back = world.reconcile(account_id)
    assert (back["state"], back["last_error"]) == ("active", None)
    world.session(account_id, ticket)


def test_an_account_without_its_stack_stays_registered(world: World) -> None:
    """Reconciling before the customer has done anything is harmless, and told."""
    account_id = str(next(world.numbers))
    body = {"account_id": account_id, "customer": "Not there yet"}
    world.console.ask("POST", "/v1/accounts", body)
    found = world.reconcile(account_id)
    assert found["state"] == "registered"
    assert "Has the stack been created there" in found["last_error"]
    assert "arn:" not in found["last_error"]


def test_a_stack_of_another_account_is_not_taken_for_ones_own(world: World) -> None:
    """With another account's ExternalId in it, the stack does not let the broker in."""
    account_id = str(next(world.numbers))
    body = {"account_id": account_id, "customer": "Copied the wrong link"}
    account = world.console.ask("POST", "/v1/accounts", body)
    world.stage.sandbox.create_account(account_id)
    other = world.metadata.account
    wrong = account["launch_url"].replace(account["external_id"], other["external_id"])
    world.stage.create_stack({**account, "launch_url": wrong})
    assert world.reconcile(account_id)["state"] == "registered"
    world.stage.sandbox.delete_stack(account_id, STACK)
    world.stage.create_stack(account)
    assert world.reconcile(account_id)["state"] == "active"


def test_an_active_account_stays_active_during_a_pass(world: World, customer: Customer) -> None:
    """Whoever asks for a session meanwhile is not told that the account is being made ready."""
    account_id = customer.account["account_id"]
    entries = len(world.ledger(account_id))
    world.reconcile(account_id)
    states = {
        entry["details"]["state"]
        for entry in world.ledger(account_id)[entries:]
        if entry["action"] == "account.reconciled"
    }
    assert states == {"active"}
