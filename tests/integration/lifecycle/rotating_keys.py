"""What tests of rotation do to an account's keys, and see of them."""

from __future__ import annotations

from broker.domain.accounts import Account
from broker.services.lifecycle.rotating import Urgency
from keys.rotation import active
from keys.types import KeyState, ProviderKeyState
from tests.integration.lifecycle.rotation_world import WORKER, World


def rotate_now(world: World) -> Account:
    return world.rotating(world.account_id, Urgency.WHEN_READY, WORKER)


def emergency(world: World) -> Account:
    account = world.rotating(world.account_id, Urgency.EMERGENCY, WORKER)
    world.directory.refresh()
    return account


def provider_states(world: World) -> dict[str, ProviderKeyState]:
    return {key.kid: world.provider.describe(key.reference) for key in world.account.keys}


def assert_whole(world: World) -> None:
    """Every key of the account that KMS could still sign with is in its record, and no other."""
    recorded = {
        key.reference.locator for key in world.account.keys if key.state is not KeyState.RETIRED
    }
    listed = [
        key
        for key in world.provider.inventory(without=())
        if key.owner.account_id == world.account_id
    ]
    alive = {key.locator for key in listed if key.state is ProviderKeyState.ENABLED}
    assert alive == recorded
    assert {key.state for key in listed} <= {
        ProviderKeyState.ENABLED,
        ProviderKeyState.PENDING_DELETION,
    }
    assert world.account.staging_since is None
    active(world.account.keys)
    assert [key.state for key in world.account.keys].count(KeyState.PUBLISHED) == 1
    assert not any(orphan.monthly_usd for orphan in world.orphans.find(WORKER))


def owner_of(world: World):
    (listed, *_) = [
        key
        for key in world.provider.inventory(without=())
        if key.owner.account_id == world.account_id
    ]
    return listed.owner
