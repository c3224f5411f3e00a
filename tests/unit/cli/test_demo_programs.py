"""What the demo reads out of the answers of real programs."""

from __future__ import annotations

import pytest

from broker.cli.demo.programs import Answer

AWS = "\nAn error occurred (AccessDenied) when calling the CreateUser operation: User: … [x]\n"
HEAD = "download failed: s3://a/b to - An error occurred (403) when calling the HeadObject …"
BROKER = "Error: The ticket is closed. Reopen it. (request 12ab) [ticket_closed]\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AWS, "AccessDenied"),
        (HEAD, "403"),
        (BROKER, "ticket_closed"),
        ("Could not connect to the endpoint URL", "exit code 255"),
        ("", "exit code 255"),
    ],
)
def test_a_refusal_is_told_by_its_code(error: str, code: str) -> None:
    """AWS's or the broker's; without one, the exit code is all there is."""
    assert Answer(255, "", error).code == code


def test_an_answer_does_not_print_credentials() -> None:
    """`broker get` writes them to its output."""
    assert "secret" not in repr(Answer(0, "secret", ""))
