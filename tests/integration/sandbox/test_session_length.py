"""Sessions cut short: what AWS never gives, for tests that want to see one end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from broker.sandbox.process import Sandbox, SandboxError
from broker.sandbox.state.session_length import SessionLength
from tests.integration.sandbox.observed.stage import Stage
from tests.integration.sandbox.trusting_account import Attempt, TrustingAccount

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("longest", "lasts"),
    [(None, HOUR), (timedelta(seconds=9), timedelta(seconds=9)), (2 * HOUR, HOUR)],
)
def test_a_session_is_cut_short_and_never_made_longer(longest, lasts):
    """The bound is one above: what was asked for stays what is given where it is less."""
    assert SessionLength(longest).of(HOUR) == lasts


@pytest.fixture
def shortened(sandbox: Sandbox) -> Iterator[Sandbox]:
    yield sandbox
    sandbox.shorten_sessions(None)


@pytest.mark.parametrize("seconds", [0, -1, True, "9"])
def test_what_is_no_length_is_refused(shortened, seconds):
    """A session that ends before it begins is a slip of the test that asks for it."""
    with pytest.raises(SandboxError, match="seconds must be a number, 1 or more"):
        shortened.shorten_sessions(seconds)


def test_what_sts_answers_is_when_the_session_ends(shortened: Sandbox, stage: Stage):
    """Expiration tells the truth, and the bound goes when it is lifted."""
    account = TrustingAccount.set_up(stage)
    ends = []
    for seconds in (9, None):
        shortened.shorten_sessions(seconds)
        ends.append(account.assume(Attempt())["Credentials"]["Expiration"])
    now = datetime.now(UTC)
    assert ends[0] <= now + timedelta(seconds=9)
    assert ends[1] > now + timedelta(minutes=50)
