"""What an operator says of hooks: topics, and whom to trust for their signatures."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.errors import ConfigurationError
from broker.settings import load
from broker.wiring.hooks import trust_anchors
from tests.unit.aws.authorities import authority

GOOD = {
    "BROKER_ISSUER_URL": "https://broker.example.com",
    "BROKER_VENDOR_ACCOUNT_ID": "999900001111",
}
ONE = "arn:aws:sns:us-east-1:999900001111:support-hooks"
TWO = "arn:aws:sns:eu-west-1:999900001111:support-hooks"


def test_topics_are_separated_by_commas() -> None:
    """One a Region; without any the hook is off."""
    assert load(GOOD).hook_topics == ()
    assert load({**GOOD, "BROKER_HOOK_TOPICS": f"{ONE}, {TWO},"}).hook_topics == (ONE, TWO)


@pytest.mark.parametrize(
    "topics",
    [
        "support-hooks",
        ONE.replace("sns", "sqs"),
        f"{ONE};{TWO}",
        f"{ONE},{ONE}-2",
        f"{ONE}:subscription",
    ],
)
def test_what_is_no_list_of_topics(topics: str) -> None:
    """A stack's Region must lead to one topic, and a message to a topic that we know whole."""
    with pytest.raises(ConfigurationError) as caught:
        load({**GOOD, "BROKER_HOOK_TOPICS": topics})
    assert {problem.partition(":")[0].partition(".")[0] for problem in caught.value.problems} == {
        "BROKER_HOOK_TOPICS"
    }


def test_the_usual_roots_are_trusted() -> None:
    """Amazon's among them, which issue what SNS signs with."""
    names = {anchor.subject.rfc4514_string() for anchor in trust_anchors(load(GOOD))}
    assert any("Amazon Root CA 1" in name for name in names)


def test_other_roots_take_their_place(tmp_path: Path) -> None:
    """The sandbox's, or those of a partition of its own: then these alone."""
    own = authority("own root")
    (tmp_path / "roots.pem").write_bytes(own.pem)
    chosen = load({**GOOD, "BROKER_SNS_TRUST_ANCHORS": str(tmp_path / "roots.pem")})
    assert trust_anchors(chosen) == [own.certificate]


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_roots_that_cannot_be_read(content: bytes | None, tmp_path: Path) -> None:
    """Said at the start, and not at the first message."""
    file = tmp_path / "roots.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="BROKER_SNS_TRUST_ANCHORS"):
        trust_anchors(load({**GOOD, "BROKER_SNS_TRUST_ANCHORS": str(file)}))
