"""A revocation is first written down, then applied, then seen to be effective."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.revocation.world import World

DELAY = 4.0
"""Seconds until AWS knows what was written: it was seen to take about as long."""


@pytest.mark.parametrize("access", ["read", "case"])
def test_applied_is_not_yet_effective(
    world: World, slow_iam: Callable[[float], None], access: str
) -> None:
    """The Deny stands at once; credentials live on until AWS knows of it, and we say when."""
    account = world.account()
    opened = world.open(account, world.ticket(account), access=access)
    session_id = opened["session"]["id"]
    slow_iam(DELAY)
    assert world.session(session_id)["revocation"] is None
    answer = world.callers["admin"].delete(f"/v1/sessions/{session_id}")
    assert answer.status_code == 202
    applied = answer.json()["revocation"]
    assert applied["state"] == "applied"
    assert 0 < applied["seconds"] < DELAY
    assert world.lets_in(opened)
    effective = world.revocation(session_id, "effective")
    assert not world.lets_in(opened)
    assert DELAY < effective["seconds"] < DELAY + 10
