"""Signing in with a browser, from the first redirect to the end of the session."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.integration.sign_in.world import ATTEMPT, CALLBACK, SESSION, SITE, World, problem


def test_somebody_signs_in_and_is_known(world: World) -> None:
    """The whole flow through a real provider: who they are, by what, until when."""
    before = len(world.ledger())
    with world.signed_in() as browser:
        me = browser.http.get(f"{SITE}/v1/me").json()
    assert me["subject"] == "jane@vendor.example"
    assert me["roles"] == ["engineer"]
    assert me["signed_in_by"] == "browser"
    assert me["csrf_token"]
    (entry,) = world.ledger()[before:]
    assert (entry.action, entry.outcome) == ("sign_in.done", "done")
    assert entry.actor == "jane@vendor.example"
    assert entry.details["roles"] == ["engineer"]
