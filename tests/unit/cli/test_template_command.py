"""`broker template` prints what the broker serves."""

from __future__ import annotations

from click.testing import CliRunner

from broker.cli import broker
from broker.domain.onboarding import template


def test_it_prints_the_template_and_nothing_else() -> None:
    """So that its output is a file for S3."""
    shown = CliRunner().invoke(broker, ["template"])
    assert shown.exit_code == 0
    assert shown.output == template()
