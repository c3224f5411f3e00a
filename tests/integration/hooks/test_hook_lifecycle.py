"""From the customer's click to the last trace: a stack that comes, changes and goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.domain.accounts import Account, AccountState, Consent, Payer
from broker.domain.hooks.records import HookStatus
from broker.domain.ledger.entries import chain_of
from broker.domain.ports import ManagedAccount, ManagementRole
from broker.errors import UpstreamRejected
from broker.sandbox.process import SandboxError
from broker.services.hooks import decisions as hook_decisions
from tests.integration.hooks.world import STACK, TOPIC, HookWorld, template

SUPPORT_ROLES = {"Acme-Support-ReadOnly", "Acme-Support-Cases"}
MANAGEMENT_ROLE = "Acme_Management_Role_DO-NOT-DELETE"
EVERYTHING = {*SUPPORT_ROLES, MANAGEMENT_ROLE}


def test_a_stack_comes_changes_and_goes(world: HookWorld) -> None:
    """One click makes the account active; deletion leaves nothing, and all is in the ledger."""
    account = world.registered()
    account_id = account.account_id
    before = world.ledger_head()
    with world.at_work():
        stack = world.deploy(account)
        assert world.account(account_id).state is AccountState.ACTIVE
        assert world.account(account_id).template_version == "2"
        assert stack.outputs == {
            "ManagementRoleArn": f"arn:aws:iam::{account_id}:role/{MANAGEMENT_ROLE}",
            "ReadOnlyRoleArn": f"arn:aws:iam::{account_id}:role/Acme-Support-ReadOnly",
            "CasesRoleArn": f"arn:aws:iam::{account_id}:role/Acme-Support-Cases",
            "Issuer": account.issuer,
        }
        assert world.roles(account_id) == EVERYTHING

        changed = {**world.parameters(account), "PayerAccount": "true"}
        world.sandbox.update(account_id, template(), changed, stack_name=STACK)
        assert world.account(account_id).payer is Payer.YES
        attached = world.iam(account_id).list_attached_role_policies(
            RoleName="Acme-Support-ReadOnly"
        )["AttachedPolicies"]
        assert "AWSBillingReadOnlyAccess" in {each["PolicyName"] for each in attached}

        world.sandbox.delete_stack(account_id, STACK)
    assert world.account(account_id).state is AccountState.REMOVED
    assert world.roles(account_id) == set()
    assert world.providers(account_id) == []

    requests = world.requests_of(account_id)
    assert [each["RequestType"] for each in requests] == ["Create", "Update", "Delete"]
    for request in requests:
        hook = world.hook(request)
        assert hook is not None
        assert hook.answer is not None
        assert hook.answer.status is HookStatus.SUCCESS
        assert hook.delivered_at is not None
        assert hook.response_url is None
    told = [
        (entry.action, entry.outcome)
        for entry in world.ledger(after=before)
        if entry.ids.get("account") == account_id
    ]
    one = [("hook.received", "intended"), ("hook.worked_on", "done"), ("hook.answered", "done")]
    assert told == one * 3


def test_sns_is_answered_within_a_second(world: HookWorld) -> None:
    """Whatever a request leads to is the worker's; SNS hears at once."""
    begun = len(world.relay.seconds)
    account = world.registered()
    with world.at_work():
        world.deploy(account)
        world.sandbox.delete_stack(account.account_id, STACK)
    assert len(world.relay.seconds) >= begun + 2
    assert max(world.relay.seconds[begun:]) < 1.0


def test_a_request_that_arrives_thrice_at_once_has_one_effect(world: HookWorld) -> None:
    """SNS promises at least once; each delivery is answered, one is worked on."""
    world.sandbox.subscribe(TOPIC, world.relay.url, deliveries=3)
    before = world.ledger_head()
    try:
        with world.at_work():
            account = world.onboarded()
    finally:
        world.sandbox.subscribe(TOPIC, world.relay.url)
    assert len(world.requests_of(account.account_id)) == 3
    of_account = [
        entry.action
        for entry in world.ledger(after=before)
        if entry.ids.get("account") == account.account_id
    ]
    assert of_account == ["hook.received", "hook.worked_on", "hook.answered"]
    assert set(world.relay.statuses[-5:]) == {200}


def test_a_request_that_comes_again_when_all_is_done(world: HookWorld) -> None:
    """A replay within the hour is answered, and changes nothing."""
    with world.at_work():
        account = world.onboarded()
    message = next(body for body in reversed(world.relay.messages) if b"RequestType" in body)
    before = world.ledger_head()
    assert world.relay.post(message).status_code == 200
    assert world.ledger_head() == before
    assert world.account(account.account_id).state is AccountState.ACTIVE


def test_consent_that_is_off_is_no_failure(world: HookWorld) -> None:
    """The customer may create the stack first and allow access later."""
    account = world.registered(consent=Consent.OFF)
    with world.at_work():
        stack = world.deploy(account)
    assert stack.custom_resources[0]["data"]["State"] == "provisioning"


def test_an_account_that_nobody_registered(world: HookWorld) -> None:
    """The customer reads why, and the stack can be taken back."""
    account = world.registered()
    stranger = world.customer()
    given = world.parameters(account)
    with world.at_work(), pytest.raises(SandboxError, match="is not registered"):
        world.sandbox.deploy(stranger, template(), given, stack_name=STACK)
    assert world.roles(stranger) == set()
    kinds = [each["RequestType"] for each in world.requests_of(stranger)]
    assert kinds == ["Create", "Delete"]


@pytest.mark.parametrize(
    ("parameter", "value", "reason"),
    [
        ("ExternalId", "e" * 40, "ExternalId is not the one"),
        ("NamePrefix", "Other", "management role has another name"),
    ],
)
def test_parameters_that_the_customer_changed(
    parameter: str, value: str, reason: str, world: HookWorld
) -> None:
    """The stack fails with a sentence that helps, and the next try with the link works."""
    account = world.registered()
    with world.at_work():
        with pytest.raises(SandboxError, match=reason):
            world.deploy(account, **{parameter: value})
        assert world.account(account.account_id) == account
        assert world.roles(account.account_id) == set()
        world.deploy(account)
    assert world.account(account.account_id).state is AccountState.ACTIVE


class RefusingAtFirst:
    """IAM's edges, some of which do not know a new role yet."""

    def __init__(self, management: ManagementRole, times: int) -> None:
        self._management = management
        self._left = times

    def assume(self, account: Account) -> ManagedAccount:
        if self._left:
            self._left -= 1
            raise UpstreamRejected("The management role refuses us.")
        return self._management.assume(account)


def test_a_management_role_that_is_not_known_everywhere_yet(world: HookWorld) -> None:
    """A refusal just after the stack's creation is tried again, and no failure."""
    decisions = world.work.decisions
    management = RefusingAtFirst(decisions.management, times=3)
    with world.at_work(decisions=replace(decisions, management=management)):
        account = world.onboarded()
    assert account.state is AccountState.ACTIVE


def test_a_management_role_that_stays_closed(
    world: HookWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a minute the customer is told; the stack is rolled back, the account as before."""
    monkeypatch.setattr(hook_decisions, "SETTLING", timedelta(seconds=0.5))
    decisions = world.work.decisions
    management = RefusingAtFirst(decisions.management, times=10_000)
    account = world.registered()
    with (
        world.at_work(decisions=replace(decisions, management=management)),
        pytest.raises(SandboxError, match="management role refuses us"),
    ):
        world.deploy(account)
    assert world.account(account.account_id).state is AccountState.REGISTERED
    assert world.roles(account.account_id) == set()


def test_a_first_try_that_fails_is_taken_back_and_repeated(
    world: HookWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A customer who takes a permission out of the template gets a stack that fails half way.
    Nothing of ours stays, and the same link works afterwards."""
    monkeypatch.setattr(hook_decisions, "SETTLING", timedelta(0))
    account = world.registered()
    account_id = account.account_id
    crippled = template().replace("              - iam:AttachRolePolicy\n", "")
    assert crippled != template()
    before = len(world.services.store.journal.entries(chain_of(account_id), after=0, limit=100))
    with world.at_work():
        with pytest.raises(SandboxError, match=r"rolled back: .*may not do what is needed"):
            world.sandbox.deploy(account_id, crippled, world.parameters(account), stack_name=STACK)
        assert world.roles(account_id) == set()
        assert world.providers(account_id) == []
        entries = world.services.store.journal.entries(chain_of(account_id), after=before, limit=99)
        steps = [str(entry.details["step"]) for entry in entries if "step" in entry.details]
        assert any("create" in step.lower() for step in steps), "it never began"
        assert world.account(account_id).state is AccountState.REGISTERED
        world.deploy(account)
    assert world.account(account_id).state is AccountState.ACTIVE
    assert world.account(account_id).issuer == account.issuer


def test_an_account_that_was_removed(world: HookWorld) -> None:
    """A new stack does not bring it back; it needs a new registration, and says so."""
    with world.at_work():
        account = world.onboarded()
        world.sandbox.delete_stack(account.account_id, STACK)
        with pytest.raises(SandboxError, match="register it anew"):
            world.deploy(account)
    assert world.account(account.account_id).state is AccountState.REMOVED
    assert world.roles(account.account_id) == set()


def test_a_stack_whose_management_role_the_customer_deleted(world: HookWorld) -> None:
    """It can be deleted all the same, and the account is not removed for it."""
    with world.at_work():
        account = world.onboarded()
        iam = world.iam(account.account_id)
        for policy in iam.list_role_policies(RoleName=MANAGEMENT_ROLE)["PolicyNames"]:
            iam.delete_role_policy(RoleName=MANAGEMENT_ROLE, PolicyName=policy)
        iam.delete_role(RoleName=MANAGEMENT_ROLE)
        world.sandbox.delete_stack(account.account_id, STACK)
    assert world.account(account.account_id).state is not AccountState.REMOVED
    answer = world.hook(world.requests_of(account.account_id)[-1]).answer
    assert answer.reason.startswith("Nothing was changed.")
