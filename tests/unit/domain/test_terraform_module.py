"""The Terraform module says what the template says: names, trust, every statement, the hook."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hcl2
import pytest

from broker.domain.onboarding import template
from broker.sandbox.cloudformation.template import Template
from tests.unit.domain.rendered_template import ACCOUNT, GIVEN, listed, properties, statements

MODULE = Path(__file__).parents[3] / "docs" / "terraform"
VARIABLES = {
    "account_number": "AccountNumber",
    "external_id": "ExternalId",
    "issuer_host": "IssuerHost",
    "name_prefix": "NamePrefix",
    "service_token": "ServiceToken",
    "payer_account": "PayerAccount",
}
VALUES = {
    "local.partition": "aws",
    "local.account": ACCOUNT,
    **{f"var.{name}": GIVEN[parameter] for name, parameter in VARIABLES.items()},
    "aws_iam_role.management.id": "Acme_Management_Role_DO-NOT-DELETE",
    "aws_iam_role.management.arn": (
        f"arn:aws:iam::{ACCOUNT}:role/Acme_Management_Role_DO-NOT-DELETE"
    ),
    'var.payer_account ? "true" : "false"': GIVEN["PayerAccount"],
}


def read(name: str) -> Any:
    return plain(hcl2.loads((MODULE / f"{name}.tf").read_text()))


def plain(value: Any) -> Any:
    """Parsed HCL without the parser's quotes and marks, and with expressions that are known."""
    if isinstance(value, Mapping):
        members = {plain(key): plain(member) for key, member in value.items()}
        members.pop("__is_block__", None)
        return members
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, str):
        return value
    text = value[1:-1] if value.startswith('"') else value
    return re.sub(r"\$\{([^{}]*)\}", lambda found: VALUES.get(found[1], found[0]), text)


def block(kind: str, of_type: str, name: str) -> Any:
    """One resource or data source."""
    [found] = [
        each[of_type][name]
        for each in read("main")[kind]
        if of_type in each and name in each[of_type]
    ]
    return found


def as_statement(written: Mapping[str, Any]) -> dict[str, Any]:
    """A statement block in the form of the comparison."""
    return {
        "effect": written["effect"],
        "actions": frozenset(written["actions"]),
        "resources": frozenset(written.get("resources", [])),
        "conditions": {
            (each["test"], each["variable"]): frozenset(each["values"])
            for each in written.get("condition", [])
        },
    }


def of_template(statement: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "effect": statement["Effect"],
        "actions": listed(statement["Action"]),
        "resources": listed(statement.get("Resource", [])),
        "conditions": {
            (test, key): listed(values)
            for test, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        },
    }


def test_every_statement_is_the_same() -> None:
    """Actions, resources and conditions, and none more."""
    module = block("data", "aws_iam_policy_document", "management")["statement"]
    policy = statements(properties()["ManagementPolicy"]["PolicyDocument"])
    assert {each["sid"]: as_statement(each) for each in module} == {
        sid: of_template(statement) for sid, statement in policy.items()
    }


def test_the_trust_is_the_same() -> None:
    """The vendor's account, with the ExternalId."""
    [module] = block("data", "aws_iam_policy_document", "trust")["statement"]
    [trust] = properties()["ManagementRole"]["AssumeRolePolicyDocument"]["Statement"]
    assert as_statement(module) == of_template(trust)
    [principal] = module["principals"]
    assert {principal["type"]: principal["identifiers"]} == {"AWS": [trust["Principal"]["AWS"]]}


def test_the_names_are_the_same() -> None:
    """The broker finds the role by its name."""
    role = block("resource", "aws_iam_role", "management")
    made = properties()["ManagementRole"]
    assert (role["name"], role["description"]) == (made["RoleName"], made["Description"])
    assert role["assume_role_policy"] == "${data.aws_iam_policy_document.trust.json}"
    policy = block("resource", "aws_iam_role_policy", "management")
    assert policy["name"] == properties()["ManagementPolicy"]["PolicyName"]
    assert policy["role"] == made["RoleName"]
    assert policy["policy"] == "${data.aws_iam_policy_document.management.json}"


def test_the_hook_says_the_same() -> None:
    """With every property, after the policy and so before it on destruction."""
    hook = block("resource", "aws_cloudformation_stack", "hook")
    said = re.search(r"Properties = \{(.*?)\}", hook["template_body"])
    assert said is not None
    written = dict(each.split(" = ", 1) for each in said[1].split(", "))
    assert {name: VALUES.get(value, value.strip('"')) for name, value in written.items()} == (
        properties()["Hook"]
    )
    outputs = Template.parse(template()).outputs
    for name in ("ReadOnlyRoleArn", "CasesRoleArn", "Issuer"):
        assert (
            f'{name} = {{Value = {{"Fn::GetAtt" = ["Hook", "{name}"]}}}}' in hook["template_body"]
        )
        assert outputs[name]["Value"] == {"Fn::GetAtt": ["Hook", name]}
    assert hook["depends_on"] == ["${aws_iam_role_policy.management}"]
    assert hook["count"] == '${var.service_token == "" ? 0 : 1}'


def test_the_variables_are_the_templates_parameters() -> None:
    """With the same defaults, and as strict."""
    declared = {name: body for each in read("variables")["variable"] for name, body in each.items()}
    parameters = Template.parse(template()).parameters
    assert {VARIABLES[name] for name in declared} == set(parameters)
    for name, body in declared.items():
        parameter = parameters[VARIABLES[name]]
        default = {False: "false"}.get(body.get("default"), body.get("default"))
        assert default == parameter.get("Default")
        if body["type"] == "string":
            [validation] = body["validation"]
            assert pattern_of(parameter) in validation["condition"]


def pattern_of(parameter: Mapping[str, Any]) -> str:
    """A parameter's pattern as Terraform's `regex` needs it: anchored, lengths included."""
    pattern = parameter["AllowedPattern"]
    if "MinLength" in parameter:
        pattern = (
            pattern.removesuffix("+") + f"{{{parameter['MinLength']},{parameter['MaxLength']}}}"
        )
    return f'"^{pattern}$"'


@pytest.mark.parametrize("name", ["main", "variables", "outputs"])
def test_every_file_parses(name: str) -> None:
    """As HCL, by a parser that is not ours."""
    assert read(name)


def test_nothing_is_named_that_is_not_declared() -> None:
    """Every variable, local, data source and resource that an expression mentions exists."""
    text = "".join((MODULE / f"{name}.tf").read_text() for name in ("main", "outputs"))
    main = read("main")
    known = {f"var.{name}" for name in VARIABLES} | {"local.account", "local.partition"}
    known |= {
        f"{prefix}{of_type}.{name}"
        for kind, prefix in (("data", "data."), ("resource", ""))
        for each in main[kind]
        for of_type, named in each.items()
        for name in named
    }
    mentioned = set(re.findall(r"\b(?:var|local)\.\w+|\bdata\.\w+\.\w+|\baws_\w+\.\w+", text))
    of_data = {name.removeprefix("data.") for name in known if name.startswith("data.")}
    assert mentioned - known - of_data == set()
