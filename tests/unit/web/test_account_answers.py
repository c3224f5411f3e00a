"""What an answer about an account shows to whom."""

from __future__ import annotations

import pytest

from broker.contract.accounts import AccountAnswer
from broker.domain.identity.permissions import Role
from broker.domain.onboarding import Onboarding
from tests.unit.domain.making import ACCOUNT, OTHER_ACCOUNT, account, caller

ONBOARDING = Onboarding(
    vendor_account_id="999988887777",
    template_url="https://broker.example.com/onboarding/template.yaml",
    name_prefix="Acme",
)


def shown(*roles: Role, accounts=()) -> str:
    """The answer's JSON, as a caller with these roles gets it."""
    answer = AccountAnswer.of(account(), ONBOARDING, caller(*roles, accounts=accounts))
    return answer.model_dump_json()


@pytest.mark.parametrize("role", [Role.ENGINEER, Role.APPROVER, Role.AUDITOR])
def test_who_only_reads_cannot_speak_for_the_stack(role):
    """A hook is believed by the ExternalId, and it may remove the account."""
    assert account().external_id not in shown(role)
    assert '"external_id":null,"launch_url":null' in shown(role)


@pytest.mark.parametrize(
    ("role", "accounts"), [(Role.CONSOLE, ()), (Role.ADMIN, ()), (Role.CUSTOMER, (ACCOUNT,))]
)
def test_who_onboards_gets_the_link(role, accounts):
    """ExternalId and link belong together."""
    assert shown(role, accounts=accounts).count(account().external_id) == 2


def test_another_customer_gets_nothing_of_it():
    """Even where an answer were to reach one."""
    assert account().external_id not in shown(Role.CUSTOMER, accounts=(OTHER_ACCOUNT,))
