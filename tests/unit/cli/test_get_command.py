"""`broker get`: what is typed wrong is wrong usage, found before anything is asked."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from broker.cli.failures import ExitCode
from broker.cli.get import get

NOBODY = ["--url", "http://127.0.0.1:9", "--token", "brk_0"]
"""A broker that no call reaches: to ask it would end with 1."""


@pytest.mark.parametrize(
    ("account", "ticket", "said"),
    [
        ("1111", "T-1042", "Invalid value for '--account': It must be an AWS account id"),
        ("111122223333", "T 1042", "Invalid value for '--ticket': It must be 1 to 64 of"),
    ],
)
def test_what_is_no_account_or_ticket_is_wrong_usage(account, ticket, said):
    """The option and its rule, and the exit code that is not a refusal."""
    ran = CliRunner().invoke(get, ["--account", account, "--ticket", ticket, *NOBODY])
    assert ran.exit_code == ExitCode.USAGE
    assert said in ran.output
