"""The template as CloudFormation would judge it."""

from __future__ import annotations

from cfnlint import api, config

from broker.domain.onboarding import template

REGIONS = ["us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1"]


def test_cfn_lint_finds_nothing():
    """Not even what it only remarks on, in any partition."""
    strict = config.ManualArgs(regions=REGIONS, include_checks=["I"])
    assert api.lint(template(), config=strict) == []


def test_cfn_lint_would_find_something():
    """The judge is awake: a misspelt property is found."""
    spoilt = template().replace("RoleName:", "RolName:")
    assert api.lint(spoilt, config=config.ManualArgs(regions=REGIONS)) != []
