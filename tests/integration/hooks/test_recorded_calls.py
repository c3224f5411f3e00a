"""The management policy is the list of calls that the lifecycle makes: none missing, none idle."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from broker.aws.clients import Clients
from broker.domain.accounts import Account, AccountState
from broker.domain.sessions import Credentials
from broker.services.lifecycle.reconcile import Depth
from tests.integration.hooks.world import OPERATOR, STACK, HookWorld
from tests.unit.domain.rendered_template import listed, properties, statements

READ_ROLE = "Acme-Support-ReadOnly"
AWS_MANAGED = "arn:aws:iam::aws:policy"
THUMBPRINT, OTHER_THUMBPRINT = "a" * 40, "b" * 40


def allowed_actions() -> set[str]:
    """Everything that the template's policy allows."""
    policy = statements(properties()["ManagementPolicy"]["PolicyDocument"])
    return {action for statement in policy.values() for action in listed(statement["Action"])}


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The IAM actions that are called with management roles' credentials from now on."""
    called: set[str] = set()
    make = Clients.iam

    def note(model: Any, **_: object) -> None:
        called.add(f"iam:{model.name}")

    def recording(self: Clients, credentials: Credentials) -> Any:
        client = make(self, credentials)
        client.meta.events.register("before-call.iam", note)
        return client

    monkeypatch.setattr(Clients, "iam", recording)
    return called


def spoil(world: HookWorld, account: Account) -> None:
    """What hands can do in an account, as its administrator: every kind of drift."""
    iam = world.iam(account.account_id)
    iam.put_role_permissions_boundary(
        RoleName=READ_ROLE, PermissionsBoundary=f"{AWS_MANAGED}/AWSSupportAccess"
    )
    trust = iam.get_role(RoleName=READ_ROLE)["Role"]["AssumeRolePolicyDocument"]
    trust["Statement"][0]["Condition"] = {}
    iam.update_assume_role_policy(RoleName=READ_ROLE, PolicyDocument=json.dumps(trust))
    iam.update_role(RoleName=READ_ROLE, MaxSessionDuration=3600)
    iam.untag_role(RoleName=READ_ROLE, TagKeys=["ManagedBy"])
    iam.attach_role_policy(RoleName=READ_ROLE, PolicyArn=f"{AWS_MANAGED}/AdministratorAccess")
    iam.detach_role_policy(RoleName=READ_ROLE, PolicyArn=f"{AWS_MANAGED}/SecurityAudit")
    more = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
    iam.put_role_policy(RoleName=READ_ROLE, PolicyName="more", PolicyDocument=json.dumps(more))
    [provider] = world.providers(account.account_id)
    named = {"OpenIDConnectProviderArn": provider}
    iam.add_client_id_to_open_id_connect_provider(**named, ClientID="somebody")
    iam.remove_client_id_from_open_id_connect_provider(**named, ClientID="sts.amazonaws.com")
    iam.untag_open_id_connect_provider(**named, TagKeys=["ManagedBy"])
    iam.update_open_id_connect_provider_thumbprint(**named, ThumbprintList=[OTHER_THUMBPRINT])


def test_every_action_is_called_and_none_besides(world: HookWorld, recorded: set[str]) -> None:
    """Creation, repair of every kind of drift, proof and removal together use exactly the policy:
    what they call beyond it the sandbox refuses, and what they never call stands idle."""
    with world.at_work():
        account = world.onboarded()
        account_id = account.account_id
        spoil(world, account)
        reconcile = world.services.reconcile
        pinned = replace(reconcile.policy, thumbprints=frozenset({THUMBPRINT}))
        repaired = replace(reconcile, policy=pinned).run(account_id, OPERATOR, depth=Depth.FULL)
        assert repaired.state is AccountState.ACTIVE, repaired.last_error
        world.services.prove(account_id, OPERATOR)
        world.sandbox.delete_stack(account_id, STACK)
    assert world.account(account_id).state is AccountState.REMOVED
    assert recorded == allowed_actions()
