"""Services that a session is narrowed to: IAM would take any name, the broker takes real ones."""

from __future__ import annotations

import pytest

from tests.integration.api.world import ENGINEER, World, assert_problem


@pytest.mark.parametrize(
    ("service", "sentence"),
    [
        ("ec2-instances", "ec2-instances is no prefix of IAM actions"),
        ("lamda", "lamda is no prefix of IAM actions (perhaps lambda)"),
        ("stepfunctions", "stepfunctions is no prefix of IAM actions (perhaps states)"),
    ],
)
def test_a_service_that_there_is_not_opens_nothing(
    world: World, service: str, sentence: str
) -> None:
    """Else the credentials could do nothing at all, and nobody would say why."""
    before = world.state()
    answer = world.session(world.inside(ENGINEER), services=["s3", service])
    assert_problem(answer, 400, "invalid_request")
    (problem,) = answer.json()["errors"]
    assert problem["field"] == "services"
    assert problem["message"].startswith(sentence)
    assert sentence in answer.json()["detail"]
    assert world.state() == before


def test_each_unknown_service_is_named(world: World) -> None:
    """Whoever mistyped two mends both at once."""
    answer = world.session(world.inside(ENGINEER), services=["nosuch", "s3", "norsuch"])
    named = [problem["message"].split()[0] for problem in answer.json()["errors"]]
    assert named == ["norsuch", "nosuch"]
