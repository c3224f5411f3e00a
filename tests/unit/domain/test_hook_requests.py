"""Requests as values: what parses, and whose word they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from broker.domain.accounts import Payer
from broker.domain.hooks.records import HookKind, HookStatus
from broker.domain.hooks.requests import (
    MalformedHook,
    Objection,
    answer_to,
    objection,
    parse,
)
from tests.unit.domain.making import account

ACCOUNT = account()
STACK = f"arn:aws:cloudformation:us-east-1:{ACCOUNT.account_id}:stack/support-access/5b1c-0a"


def a_request(**changes: Any) -> dict[str, Any]:
    properties = {
        "ServiceToken": "arn:aws:sns:us-east-1:999900001111:support-hooks",
        "AccountId": ACCOUNT.account_id,
        "ExternalId": ACCOUNT.external_id,
        "Payer": "false",
        "RoleArn": f"arn:aws:iam::{ACCOUNT.account_id}:role/Acme_Management_Role_DO-NOT-DELETE",
        "TemplateVersion": "2",
        **changes.pop("properties", {}),
    }
    return {
        "RequestType": "Create",
        "ResponseURL": "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/1",
        "StackId": STACK,
        "RequestId": "5b1c",
        "ResourceType": "Custom::Hook",
        "LogicalResourceId": "Hook",
        "ResourceProperties": properties,
        **changes,
    }


def parsed(**changes: Any) -> Any:
    return parse(json.dumps(a_request(**changes)))


def test_a_request_of_the_templates() -> None:
    """Every member where it belongs, and no secret in its repr."""
    request = parsed()
    assert request.kind is HookKind.CREATE
    assert request.account_id == ACCOUNT.account_id
    assert request.stack_id.region == "us-east-1"
    assert request.payer is Payer.NO
    assert request.template_version == "2"
    assert request.physical_resource_id is None
    assert ACCOUNT.external_id not in repr(request)
    assert "https://" not in repr(request)


def test_what_cloudformation_adds_is_not_in_the_way() -> None:
    """Members that it has, or will have, besides."""
    assert parsed(ServiceTimeout="60", properties={"ServiceTimeout": "60"}).request_id == "5b1c"
    assert parsed(properties={"Payer": "true"}).payer is Payer.YES


@pytest.mark.parametrize(
    "changes",
    [
        {"RequestType": "Read"},
        {"RequestType": "Update"},
        {"RequestType": "Delete", "PhysicalResourceId": "x" * 1025},
        {"StackId": STACK + "\n"},
        {"StackId": STACK.replace("cloudformation", "s3")},
        {"StackId": STACK.replace(ACCOUNT.account_id, "1")},
        {"RequestId": ""},
        {"RequestId": "a b"},
        {"RequestId": 5},
        {"LogicalResourceId": "x" * 129},
        {"ResponseURL": "https://" + "x" * 4096},
        {"properties": {"AccountId": 111122223333}},
        {"properties": {"AccountId": "1111"}},
        {"properties": {"Payer": True}},
        {"properties": {"Payer": "yes"}},
        {"properties": {"ExternalId": None}},
        {"properties": {"TemplateVersion": ""}},
        {"ResourceProperties": []},
    ],
)
def test_what_does_not_parse(changes: dict[str, Any]) -> None:
    """Nothing is guessed."""
    with pytest.raises(MalformedHook) as malformed:
        parsed(**changes)
    assert ACCOUNT.external_id not in repr(malformed.value.__cause__)


@pytest.mark.parametrize("text", ["", "null", "[]", "{", "hello"])
def test_what_is_no_request(text: str) -> None:
    """Whatever somebody published."""
    with pytest.raises(MalformedHook):
        parse(text)


OWN = f"arn:aws:iam::{ACCOUNT.account_id}:role"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"StackId": STACK.replace(ACCOUNT.account_id, "9" * 12)}, Objection.FOREIGN_STACK),
        ({"properties": {"ExternalId": "f" * 40}}, Objection.WRONG_EXTERNAL_ID),
        ({"properties": {"ExternalId": ""}}, Objection.WRONG_EXTERNAL_ID),
        ({"properties": {"ExternalId": "é" * 40}}, Objection.WRONG_EXTERNAL_ID),
        ({"properties": {"RoleArn": f"{OWN}/Other"}}, Objection.OTHER_ROLE),
    ],
)
def test_whose_word_it_is(changes: dict[str, Any], expected: Objection | None) -> None:
    """Only what the account's own stack can say counts for it."""
    assert objection(parsed(**changes), ACCOUNT, name_prefix="Acme") is expected


def test_an_account_that_is_not_registered() -> None:
    """And a foreign stack is told before that, so that it learns nothing of other accounts."""
    assert objection(parsed(), None, name_prefix="Acme") is Objection.NOT_REGISTERED
    foreign = parsed(StackId=STACK.replace(ACCOUNT.account_id, "9" * 12))
    assert objection(foreign, None, name_prefix="Acme") is Objection.FOREIGN_STACK


@pytest.mark.parametrize("objected", Objection)
def test_every_objection_has_a_sentence(objected: Objection) -> None:
    """A creation fails with it; a deletion succeeds, since nothing is there to delete."""
    failed = answer_to(HookKind.CREATE, objected)
    assert failed.status is HookStatus.FAILED
    assert failed.reason.endswith(".")
    gone = answer_to(HookKind.DELETE, objected)
    assert gone.status is HookStatus.SUCCESS
    assert gone.reason == f"Nothing was changed. {failed.reason}"
