"""`broker prove` takes no answer for a proof that is none."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from broker.cli.prove import prove
from broker.contract.proofs import ProofAnswer
from broker.domain.observed import Observed
from tests.unit.cli.answering import answering
from tests.unit.domain.test_proof import proved

ACCOUNT = "111122223333"


def answered(answer, *options):
    """The command's result where the broker answers this."""
    with answering([answer]) as broker:
        return CliRunner().invoke(prove, [ACCOUNT, *broker.options, *options])


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "violated"},
        {"digest": "0" * 64},
        {"roles": []},
        {"schema_version": 2},
        {"account_id": "111"},
    ],
)
def test_a_proof_that_contradicts_itself_is_none(changes):
    """A digest and a verdict belong to what they stand beside; another schema is not guessed."""
    answer = ProofAnswer.of(proved()).model_dump(mode="json")
    assert answered(answer).exit_code == 0
    result = answered({**answer, **changes})
    assert result.exit_code == 1
    assert "does not answer like a broker" in result.output


@pytest.mark.parametrize("answer", [None, [], {}, {"verdict": "read_only"}])
def test_something_else_is_no_proof(answer):
    """Whatever answers there: never a good exit code by accident."""
    assert answered(answer).exit_code == 1


def test_an_account_without_roles_is_not_proven():
    """Exit code 3, and the reason in words."""
    answer = ProofAnswer.of(proved(Observed(provider=None))).model_dump(mode="json")
    result = answered(answer)
    assert result.exit_code == 3
    assert "Verdict: NOT PROVEN" in result.output
    assert "nothing to prove" in result.output
