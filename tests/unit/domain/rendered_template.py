"""The template's resources as CloudFormation would make them in one account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from broker.domain.onboarding import template
from broker.sandbox.cloudformation.parameters import bind_parameters
from broker.sandbox.cloudformation.template import Resolver, Template

ACCOUNT = "111122223333"
GIVEN = {
    "AccountNumber": "999900001111",
    "ExternalId": "e" * 40,
    "IssuerHost": "broker.example.com",
    "NamePrefix": "Acme",
    "ServiceToken": "arn:aws:sns:us-east-1:999900001111:support-hooks",
    "PayerAccount": "true",
}


def properties() -> dict[str, Any]:
    """The properties of each resource, resolved."""
    parsed = Template.parse(template())
    resolver = Resolver(
        names={
            "AWS::AccountId": ACCOUNT,
            "AWS::Partition": "aws",
            "ManagementRole": "Acme_Management_Role_DO-NOT-DELETE",
            **bind_parameters(parsed.parameters, GIVEN),
        },
        conditions=parsed.conditions,
    )
    role = f"arn:aws:iam::{ACCOUNT}:role/Acme_Management_Role_DO-NOT-DELETE"
    resolver.attributes["ManagementRole"] = {"Arn": role}
    return {
        name: resolver.resolve(resource.properties) for name, resource in parsed.resources.items()
    }


def statements(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """A policy's statements by their Sid."""
    return {each["Sid"]: each for each in document["Statement"]}


def listed(value: str | Sequence[str]) -> frozenset[str]:
    """One value or many, as a policy may write them."""
    return frozenset([value] if isinstance(value, str) else value)
