"""What stands in a customer's account on the broker's behalf, as the customer sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from broker.cli.demo.stage import NAME_PREFIX, Customer
from tests.e2e.world import World

READ_ROLE, CASE_ROLE = f"{NAME_PREFIX}-Support-ReadOnly", f"{NAME_PREFIX}-Support-Cases"
MANAGEMENT_ROLE = f"{NAME_PREFIX}_Management_Role_DO-NOT-DELETE"
AWS_MANAGED = "arn:aws:iam::aws:policy"

Estate = Mapping[str, Any]


def estate(world: World, customer: Customer) -> Estate:
    """Every role and identity provider in the account, with all that decides what they allow."""
    iam = world.administrator("iam", customer)
    return {
        "roles": {role["RoleName"]: _role(iam, role["RoleName"]) for role in _roles(iam)},
        "providers": {arn: _provider(iam, arn) for arn in providers(iam)},
    }


def _roles(iam: Any) -> list[Mapping[str, Any]]:
    listed: list[Mapping[str, Any]] = iam.list_roles()["Roles"]
    return listed


def _role(iam: Any, name: str) -> Mapping[str, Any]:
    role = iam.get_role(RoleName=name)["Role"]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
    return {
        "boundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "trust": role["AssumeRolePolicyDocument"],
        "longest_session": role["MaxSessionDuration"],
        "tags": role.get("Tags"),
        "attached": sorted(policy["PolicyArn"] for policy in attached),
        "inline": {
            policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in inline
        },
    }


def providers(iam: Any) -> list[str]:
    """The ARNs of the account's identity providers."""
    listed = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    return [provider["Arn"] for provider in listed]


def _provider(iam: Any, arn: str) -> Mapping[str, Any]:
    found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    return {"url": found["Url"], "client_ids": found["ClientIDList"], "tags": found["Tags"]}


def delete_role(iam: Any, name: str) -> None:
    """Delete a role as its owner can: not before everything that it holds."""
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for policy_name in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy_name)
    iam.delete_role(RoleName=name)


def refusal(call: Callable[..., object], **parameters: Any) -> str:
    """The code with which AWS refuses the call; one that it accepts fails the test."""
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    return str(refused.value.response["Error"]["Code"])
