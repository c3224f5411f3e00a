"""The template as CloudFormation would judge it."""

from __future__ import annotations

from cfnlint import api, config

from broker.domain.onboarding import TEMPLATE_VERSION, template
from broker.sandbox.cloudformation.template import Template
from tests.unit.domain.rendered_template import ACCOUNT, GIVEN, properties

REGIONS = ["us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1"]


def test_cfn_lint_finds_nothing():
    """Not even what it only remarks on, in any partition."""
    strict = config.ManualArgs(regions=REGIONS, include_checks=["I"])
    assert api.lint(template(), config=strict) == []


def test_cfn_lint_would_find_something():
    """The judge is awake: a misspelt property is found."""
    spoilt = template().replace("RoleName:", "RolName:")
    assert api.lint(spoilt, config=config.ManualArgs(regions=REGIONS)) != []


def test_the_hook_tells_what_the_broker_asks_for():
    """Whose stack it is, what proves that, and of which version."""
    assert properties()["Hook"] == {
        "ServiceToken": GIVEN["ServiceToken"],
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/Acme_Management_Role_DO-NOT-DELETE",
        "AccountId": ACCOUNT,
        "ExternalId": GIVEN["ExternalId"],
        "Payer": "true",
        "TemplateVersion": TEMPLATE_VERSION,
    }


def test_the_hook_comes_after_the_policy_and_only_with_a_topic():
    """So that on deletion the role still works; and its outputs go with it."""
    parsed = Template.parse(template())
    hook = parsed.resources["Hook"]
    assert hook.depends_on == ("ManagementPolicy",)
    assert hook.condition == "HookIsOn"
    of_hook = {
        name: output.get("Condition")
        for name, output in parsed.outputs.items()
        if "Hook" in str(output["Value"])
    }
    assert len(of_hook) == 3
    assert set(of_hook.values()) == {"HookIsOn"}
