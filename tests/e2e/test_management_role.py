"""Promise 3: nobody can widen it, not even a fully compromised broker.

These tests are the intruder: they hold the vendor's credentials and every record of the broker,
assume the management role as it does, and try to get more than read access.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from broker.cli.demo.stage import NAME_PREFIX, Customer
from tests.e2e.estate import (
    AWS_MANAGED,
    CASE_ROLE,
    MANAGEMENT_ROLE,
    READ_ROLE,
    delete_role,
    estate,
    providers,
    refusal,
)
from tests.e2e.world import World

EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
ADMINISTRATOR = f"{AWS_MANAGED}/AdministratorAccess"
BOUNDARY = f"{AWS_MANAGED}/ReadOnlyAccess"
CUSTOMERS_ROLE = "Deployment"
INTRUDERS_ACCOUNT = "666600006666"


def trusting(account_id: str) -> str:
    """A trust policy that lets the whole account in."""
    principal = {"AWS": f"arn:aws:iam::{account_id}:root"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Intruder:
    """Whoever has taken over the broker, with an AWS account of his own beside it."""

    def __init__(self, world: World, customer: Customer) -> None:
        environment = world.stage.environment
        own = world.stage.sandbox.create_account(INTRUDERS_ACCOUNT)
        self.account_id = str(customer.account["account_id"])
        self._vendor = world.client(
            "sts",
            {
                "access_key_id": environment["AWS_ACCESS_KEY_ID"],
                "secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
            },
        )
        self._own = world.client(
            "sts",
            {
                "access_key_id": own.access_key_id,
                "secret_access_key": own.secret_access_key,
            },
        )
        external_id = customer.account["external_id"]
        self.management = _credentials(self.as_vendor(MANAGEMENT_ROLE, ExternalId=external_id))
        self.iam = world.client("iam", self.management)

    def as_vendor(self, role: str, **options: str) -> Any:
        """AssumeRole with the broker's credentials."""
        return self._vendor.assume_role(**self._asking(role), **options)

    def as_himself(self, role: str, **options: str) -> Any:
        """AssumeRole from his own account, where he may do everything."""
        return self._own.assume_role(**self._asking(role), **options)

    def _asking(self, role: str) -> dict[str, str]:
        arn = f"arn:aws:iam::{self.account_id}:role/{role}"
        return {"RoleArn": arn, "RoleSessionName": "intruder"}


def _credentials(assumed: Any) -> Mapping[str, str]:
    given = assumed["Credentials"]
    return {
        "access_key_id": given["AccessKeyId"],
        "secret_access_key": given["SecretAccessKey"],
        "session_token": given["SessionToken"],
    }


@pytest.fixture(scope="module")
def victim(world: World) -> Customer:
    """A customer with a role of its own, which is none of the broker's business."""
    customer = world.onboard()
    world.administrator("iam", customer).create_role(
        RoleName=CUSTOMERS_ROLE,
        AssumeRolePolicyDocument=trusting(customer.account["account_id"]),
    )
    return customer


@pytest.fixture(scope="module")
def intruder(world: World, victim: Customer) -> Intruder:
    """With the management role of the victim's account."""
    return Intruder(world, victim)


@pytest.fixture
def untouched(world: World, victim: Customer) -> Iterator[None]:
    """What stands in the account is the same after the test as before it."""
    before = estate(world, victim)
    yield
    assert estate(world, victim) == before


@pytest.mark.usefixtures("untouched")
def test_the_management_role_demands_the_accounts_own_external_id(
    world: World, intruder: Intruder
) -> None:
    """The vendor's credentials alone open nothing, nor with another customer's ExternalId."""
    other = world.metadata.account["external_id"]
    assert refusal(intruder.as_vendor, role=MANAGEMENT_ROLE) == "AccessDenied"
    assert refusal(intruder.as_vendor, role=MANAGEMENT_ROLE, ExternalId=other) == "AccessDenied"


@pytest.mark.usefixtures("untouched")
def test_the_management_role_lets_in_the_vendor_alone(victim: Customer, intruder: Intruder) -> None:
    """The ExternalId is no key by itself."""
    own = victim.account["external_id"]
    assert refusal(intruder.as_himself, role=MANAGEMENT_ROLE, ExternalId=own) == "AccessDenied"


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("role", [READ_ROLE, CASE_ROLE, CUSTOMERS_ROLE])
def test_no_credentials_open_another_role(intruder: Intruder, role: str) -> None:
    """The support roles let in tokens of the account's issuer, and nobody else."""
    assert refusal(intruder.as_vendor, role=role) == "AccessDenied"
    assert refusal(intruder.as_himself, role=role) == "AccessDenied"


def new_role(name: str, **options: str) -> tuple[str, dict[str, str]]:
    """CreateRole, as a row of the table below."""
    trust = trusting(INTRUDERS_ACCOUNT)
    return "create_role", {"RoleName": name, "AssumeRolePolicyDocument": trust, **options}


SUPPORT = f"{NAME_PREFIX}-Support-Evil"
ALLOW_ALL = json.dumps(EVERYTHING)

ATTEMPTS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "a role without a boundary": new_role(SUPPORT),
    "a role with a boundary that is none": new_role(SUPPORT, PermissionsBoundary=ADMINISTRATOR),
    "a role with a wider boundary of AWS": new_role(
        SUPPORT, PermissionsBoundary=f"{AWS_MANAGED}/PowerUserAccess"
    ),
    "a role outside the prefix": new_role("Evil", PermissionsBoundary=BOUNDARY),
    "a role under a path": new_role(SUPPORT, Path="/evil/", PermissionsBoundary=BOUNDARY),
    "another management role": new_role(
        f"{NAME_PREFIX}_Management_Role", PermissionsBoundary=BOUNDARY
    ),
    "a wider boundary for a support role": (
        "put_role_permissions_boundary",
        {"RoleName": READ_ROLE, "PermissionsBoundary": ADMINISTRATOR},
    ),
    "no boundary for a support role": (
        "delete_role_permissions_boundary",
        {"RoleName": READ_ROLE},
    ),
    "a policy of its own": (
        "create_policy",
        {"PolicyName": f"{NAME_PREFIX}-Support-Policy", "PolicyDocument": ALLOW_ALL},
    ),
    "a new version of a policy": (
        "create_policy_version",
        {"PolicyArn": BOUNDARY, "PolicyDocument": ALLOW_ALL, "SetAsDefault": True},
    ),
    "a policy for the management role": (
        "put_role_policy",
        {"RoleName": MANAGEMENT_ROLE, "PolicyName": "more", "PolicyDocument": ALLOW_ALL},
    ),
    "a managed policy for the management role": (
        "attach_role_policy",
        {"RoleName": MANAGEMENT_ROLE, "PolicyArn": ADMINISTRATOR},
    ),
    "the management role's own policy": (
        "delete_role_policy",
        {"RoleName": MANAGEMENT_ROLE, "PolicyName": f"{NAME_PREFIX}_Management_Policy"},
    ),
    "the management role's trust": (
        "update_assume_role_policy",
        {"RoleName": MANAGEMENT_ROLE, "PolicyDocument": trusting(INTRUDERS_ACCOUNT)},
    ),
    "the trust of the customer's role": (
        "update_assume_role_policy",
        {"RoleName": CUSTOMERS_ROLE, "PolicyDocument": trusting(INTRUDERS_ACCOUNT)},
    ),
    "a policy for the customer's role": (
        "put_role_policy",
        {"RoleName": CUSTOMERS_ROLE, "PolicyName": "more", "PolicyDocument": ALLOW_ALL},
    ),
    "the deletion of the customer's role": ("delete_role", {"RoleName": CUSTOMERS_ROLE}),
    "a provider of another host": (
        "create_open_id_connect_provider",
        {"Url": "http://127.0.0.1:9/oidc/evil", "ClientIDList": ["sts.amazonaws.com"]},
    ),
    "a user": ("create_user", {"UserName": f"{NAME_PREFIX}-Support-User"}),
    "an access key": ("create_access_key", {"UserName": "sandbox-admin"}),
    "a group": ("create_group", {"GroupName": f"{NAME_PREFIX}-Support-Group"}),
    "an instance profile": (
        "create_instance_profile",
        {"InstanceProfileName": f"{NAME_PREFIX}-Support-Profile"},
    ),
    "a sight of the customer's policies": ("list_policies", {}),
    "a sight of the customer's users": ("list_users", {}),
}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_the_management_role_refuses(intruder: Intruder, attempt: str) -> None:
    """AWS refuses whatever is not a bounded support role or a provider of the broker's host."""
    operation, parameters = ATTEMPTS[attempt]
    assert refusal(getattr(intruder.iam, operation), **parameters) == "AccessDenied"


@pytest.mark.usefixtures("untouched")
def test_no_provider_of_the_brokers_host_outside_its_issuers(
    world: World, intruder: Intruder
) -> None:
    """Even under the broker's own host, only what lies under /oidc/ can be an issuer."""
    create = intruder.iam.create_open_id_connect_provider
    url = f"{world.stage.url}/evil"
    assert refusal(create, Url=url, ClientIDList=["sts.amazonaws.com"]) == "AccessDenied"


@pytest.mark.usefixtures("untouched")
def test_the_management_role_passes_no_role(world: World, intruder: Intruder) -> None:
    """A support role cannot be handed to a service that would run the intruder's code with it."""
    functions = world.client("lambda", intruder.management)
    code = refusal(
        functions.create_function,
        FunctionName="evil",
        Role=f"arn:aws:iam::{intruder.account_id}:role/{READ_ROLE}",
        Code={"ZipFile": b"code"},
        Handler="evil.run",
        Runtime="python3.12",
    )
    assert code == "AccessDeniedException"


@pytest.mark.usefixtures("untouched")
def test_the_management_role_cannot_look_into_the_account(world: World, intruder: Intruder) -> None:
    """It manages support roles; the customer's data and configuration are not for it."""
    assert refusal(world.client("s3", intruder.management).list_buckets) == "AccessDenied"
    ec2 = world.client("ec2", intruder.management)
    assert refusal(ec2.describe_instances) == "UnauthorizedOperation"


def allow_by_managed_policy(iam: Any, role: str) -> None:
    """AdministratorAccess."""
    iam.attach_role_policy(RoleName=role, PolicyArn=ADMINISTRATOR)


def allow_by_inline_policy(iam: Any, role: str) -> None:
    """Every action on everything."""
    iam.put_role_policy(RoleName=role, PolicyName="everything", PolicyDocument=ALLOW_ALL)


@pytest.mark.parametrize("allow", [allow_by_managed_policy, allow_by_inline_policy])
def test_a_support_role_with_every_permission_still_only_reads(
    world: World, victim: Customer, intruder: Intruder, allow: Callable[[Any, str], None]
) -> None:
    """The intruder lets himself in and allows everything; the boundary leaves him reading.

    Reconciling takes all of it away again.
    """
    before = estate(world, victim)
    intruder.iam.update_assume_role_policy(
        RoleName=READ_ROLE, PolicyDocument=trusting(INTRUDERS_ACCOUNT)
    )
    allow(intruder.iam, READ_ROLE)
    widened = _credentials(intruder.as_himself(READ_ROLE))
    s3, iam = world.client("s3", widened), world.client("iam", widened)
    assert s3.list_buckets()["Buckets"] == []
    assert refusal(s3.create_bucket, Bucket="evil") == "AccessDenied"
    assert refusal(iam.create_user, UserName="evil") == "AccessDenied"
    assert refusal(iam.create_access_key, UserName="sandbox-admin") == "AccessDenied"
    removed = refusal(iam.delete_role_permissions_boundary, RoleName=READ_ROLE)
    assert removed == "AccessDenied"
    assert world.reconcile(intruder.account_id)["state"] == "active"
    assert estate(world, victim) == before
    assert refusal(intruder.as_himself, role=READ_ROLE) == "AccessDenied"


def test_a_support_role_of_the_intruders_own_only_reads(
    world: World, victim: Customer, intruder: Intruder
) -> None:
    """A new role needs the boundary, and with it AdministratorAccess is read access."""
    operation, parameters = new_role(SUPPORT, PermissionsBoundary=BOUNDARY)
    getattr(intruder.iam, operation)(**parameters)
    allow_by_managed_policy(intruder.iam, SUPPORT)
    s3 = world.client("s3", _credentials(intruder.as_himself(SUPPORT)))
    assert s3.list_buckets()["Buckets"] == []
    assert refusal(s3.create_bucket, Bucket="evil") == "AccessDenied"
    delete_role(world.administrator("iam", victim), SUPPORT)


def test_a_provider_of_the_brokers_host_can_be_made(
    world: World, victim: Customer, intruder: Intruder
) -> None:
    """The yardstick of the refusals above: what the policy allows, the sandbox carries out."""
    given = intruder.iam.create_open_id_connect_provider(
        Url=world.full.account["issuer"], ClientIDList=["sts.amazonaws.com"]
    )
    arn = given["OpenIDConnectProviderArn"]
    owner = world.administrator("iam", victim)
    assert arn in providers(owner)
    owner.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
