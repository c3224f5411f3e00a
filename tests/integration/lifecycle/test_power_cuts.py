"""Crash at every step: the process dies around each call to AWS, and a new one ends the same.

The calls are counted in a run that nobody disturbs; each of them is a crash point twice, right
before and right after it. Between two points of which the second finds nothing changed, at AWS or
in the store, it makes no difference where the process dies: of such points the first stands for
all, on an account of its own. Negative canaries are fewer than in production, one a role instead
of eight: they write nothing, so that dying at each is the same.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from broker.cli.demo.stage import NAME_PREFIX, UNHURRIED, Stage
from broker.domain.accounts import AccountState, Profile
from broker.domain.identifiers import AccountId
from broker.services.lifecycle.accounts import AccountChange
from broker.services.lifecycle.rotating import Urgency
from broker.wiring import Services
from tests.integration.lifecycle.power_cuts import (
    WORKER,
    CrashPoint,
    PowerCut,
    Side,
    World,
    on_mains,
    record,
    work,
)

READ, CASE = f"{NAME_PREFIX}-Support-ReadOnly", f"{NAME_PREFIX}-Support-Cases"
FOREIGN = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
}
NOW, DAY = timedelta(0), timedelta(days=1)
ROTATION_IS_DUE = 91 * DAY


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all tests; no worker of another process takes over what died.

    Its issuer is one process, so that what it publishes once it publishes from then on.
    """
    alone = {"BROKER_SERVE_WORKER": "false", "BROKER_WORKERS": "1", **UNHURRIED}
    with (
        Stage(tmp_path_factory.mktemp("cuts") / "stage", settings=alone) as stage,
        on_mains(stage) as made,
    ):
        yield made


Act = Callable[[World, Services, AccountId], None]


def nothing(world: World, services: Services, account_id: AccountId) -> None:
    """The account is new to the broker."""


def provision(world: World, services: Services, account_id: AccountId) -> None:
    """From nothing to active."""
    world.register(services, account_id)
    work(services, account_id)


def drift(world: World, services: Services, account_id: AccountId) -> None:
    """An active account, in which the customer has then changed a bit of everything."""
    provision(world, services, account_id)
    iam = world.iam(account_id)
    (provider,) = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    iam.remove_client_id_from_open_id_connect_provider(
        OpenIDConnectProviderArn=provider["Arn"], ClientID="sts.amazonaws.com"
    )
    trust = iam.get_role(RoleName=READ)["Role"]["AssumeRolePolicyDocument"]
    del trust["Statement"][0]["Condition"]
    iam.update_assume_role_policy(RoleName=READ, PolicyDocument=json.dumps(trust))
    iam.detach_role_policy(RoleName=READ, PolicyArn="arn:aws:iam::aws:policy/SecurityAudit")
    iam.delete_role_policy(RoleName=CASE, PolicyName="SupportCases")
    iam.delete_role_permissions_boundary(RoleName=CASE)
    iam.put_role_policy(RoleName=CASE, PolicyName="Foreign", PolicyDocument=json.dumps(FOREIGN))


def update(_: World, services: Services, account_id: AccountId) -> None:
    """Another profile is wanted, and what was changed by hand is to be mended."""
    change = AccountChange(profile=Profile.FULL)
    services.accounts.change(account_id, change, WORKER, expected=None)
    work(services, account_id)


def due(_: World, services: Services, account_id: AccountId) -> None:
    """What the worker finds to do at the time."""
    work(services, account_id)


def switched(world: World, services: Services, account_id: AccountId) -> None:
    """An active account whose old key retires."""
    provision(world, services, account_id)
    world.await_issuer(account_id)
    with world.process(ahead=ROTATION_IS_DUE) as later:
        work(later, account_id)


def emergency(_: World, services: Services, account_id: AccountId) -> None:
    """Asked once, whatever becomes of the one who asks; the worker does the rest."""
    if not any(key.compromised_at for key in record(services, account_id).keys):
        services.rotating(account_id, Urgency.EMERGENCY, WORKER)
    work(services, account_id)


def remove(_: World, services: Services, account_id: AccountId) -> None:
    """From active to removed."""
    services.removal.ask(account_id, WORKER)
    work(services, account_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is done, on what, and when; `writes` are calls that it cannot do without."""

    before: Act = provision
    act: Act
    ahead: timedelta = NOW
    ends: AccountState = AccountState.ACTIVE
    writes: frozenset[str]


SCENARIOS = {
    "provisioning": Scenario(
        before=nothing,
        act=provision,
        writes=frozenset(
            {
                *("kms:CreateKey", "kms:CreateAlias", "iam:CreateOpenIDConnectProvider"),
                *("iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"),
            }
        ),
    ),
    "update": Scenario(
        before=drift,
        act=update,
        writes=frozenset(
            {
                *("iam:AddClientIDToOpenIDConnectProvider", "iam:UpdateAssumeRolePolicy"),
                *("iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePolicy"),
                *("iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary"),
            }
        ),
    ),
    "rotation, the switch": Scenario(
        act=due, ahead=ROTATION_IS_DUE, writes=frozenset({"kms:CreateKey", "kms:CreateAlias"})
    ),
    "rotation, the withdrawal": Scenario(
        before=switched,
        act=due,
        ahead=ROTATION_IS_DUE + DAY,
        writes=frozenset({"kms:DisableKey", "kms:ScheduleKeyDeletion"}),
    ),
    "emergency rotation": Scenario(
        act=emergency,
        writes=frozenset(
            {
                *("kms:CreateKey", "kms:CreateAlias", "kms:DisableKey"),
                *("kms:ScheduleKeyDeletion", "iam:PutRolePolicy"),
            }
        ),
    ),
    "removal": Scenario(
        act=remove,
        ends=AccountState.REMOVED,
        writes=frozenset(
            {
                *("iam:DetachRolePolicy", "iam:DeleteRolePolicy", "iam:DeleteRole"),
                *("iam:DeleteOpenIDConnectProvider", "kms:DisableKey", "kms:ScheduleKeyDeletion"),
            }
        ),
    ),
}


def prepared(world: World, scenario: Scenario) -> AccountId:
    """An account of its own to which the scenario can happen."""
    account_id = world.new_account()
    world.mains.restore()
    scenario.before(world, world.watching, account_id)
    if scenario.before is not nothing:
        world.await_issuer(account_id)
    return account_id


def run(
    world: World, scenario: Scenario, account_id: AccountId, deadly: CrashPoint | None = None
) -> None:
    """A process that does it, up to `deadly`."""
    world.mains.restore(deadly)
    with world.process(ahead=scenario.ahead) as services:
        scenario.act(world, services, account_id)


def ended(world: World, scenario: Scenario, account_id: AccountId) -> str:
    """The end state, once everything that holds of each one was seen to hold."""
    found = world.found(account_id)
    assert found.account.state is scenario.ends
    found.assert_nothing_twice_or_ownerless()
    world.assert_chain_verifies(account_id)
    return str(found)


def assert_somebody_comes_back(world: World, account_id: AccountId) -> None:
    """A worker takes over what died, unless what died had done nothing but wait for a stack."""
    account = record(world.watching, account_id)
    waits = account.state is AccountState.REGISTERED and account.staging_since is None
    assert waits or account.next_check_at is not None, f"{account.state} is never looked at again"


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_crash_at_any_call_changes_nothing_in_the_end(
    world: World, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever takes over ends where the dead process would have, with nothing twice or left."""
    scenario = SCENARIOS[name]
    undisturbed = prepared(world, scenario)
    run(world, scenario, undisturbed)
    calls, points = list(world.mains.calls), list(world.mains.worlds.values())
    assert scenario.writes <= set(calls), scenario.writes - set(calls)
    wanted = ended(world, scenario, undisturbed)
    begun = time.monotonic()
    failed: dict[str, str] = {}
    for point in points:
        account_id = prepared(world, scenario)
        with pytest.raises(PowerCut):
            run(world, scenario, account_id, deadly=point)
        world.mains.restore()
        try:
            assert_somebody_comes_back(world, account_id)
            run(world, scenario, account_id)
            assert ended(world, scenario, account_id) == wanted
        except Exception as e:
            failed[str(point)] = f"{type(e).__name__}: {e}"
    with capsys.disabled():
        print(
            f"\n{name}: {len(calls) * len(Side)} crash points around {len(calls)} calls leave "
            f"{len(points)} different worlds ({time.monotonic() - begun:.0f} s)"
        )
    assert not failed, "\n".join(f"{point}: {why[:1500]}" for point, why in failed.items())
