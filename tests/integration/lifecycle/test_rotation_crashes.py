"""No crash costs a key, and none leaves one that nobody owns.

The process is killed right before and right after every call to KMS, every canary and every write
to the journal, once at each of these moments; then another process takes over.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from keys.rotation import published
from tests.integration.lifecycle.caching_aws import DAY, Killed
from tests.integration.lifecycle.rotating_keys import assert_whole, emergency, owner_of
from tests.integration.lifecycle.rotation_world import POLICY, World


def until_unharmed(
    prepare: Callable[[], World], work: Callable[[World], object]
) -> Iterator[tuple[World, bool]]:
    """A world for every moment at which `work` can be killed, and one in which it was not."""
    for moment in itertools.count():
        world = prepare()
        mortal = world.reborn(deadly=moment)
        try:
            work(mortal)
        except Killed:
            yield world.reborn(), True
        else:
            yield world.reborn(), False
            return


def assert_settled(world: World) -> None:
    """A second run has nothing to do."""
    head = world.store.journal.head(world.account_id)
    world.tend()
    assert world.store.journal.head(world.account_id) == head


def aged(world: World) -> World:
    world.onboard()
    world.clock.advance(90 * DAY)
    world.directory.refresh()
    return world


def retiring(world: World) -> World:
    aged(world).tend()
    world.clock.advance(POLICY.keep_published)
    return world


def unstaged(world: World) -> World:
    """Nothing is staged: what an older version, or a hand, may have left."""
    account = world.onboard()
    world.provider.schedule_deletion(account.keys[1].reference, days=7)
    world.change(keys=account.keys[:1])
    return world


def registered_or_again(world: World) -> None:
    """What happens after a crash: the console asks again, or the worker comes along."""
    if world.store.accounts.get(world.account_id) is None:
        world.register()
    world.tend()


@pytest.mark.parametrize(
    ("prepare", "work", "go_on", "at_least", "states"),
    [
        (lambda world: world, World.register, registered_or_again, 16, ["active", "published"]),
        (unstaged, World.tend, World.tend, 8, ["active", "published"]),
        (aged, World.tend, World.tend, 12, ["retiring", "active", "published"]),
        (retiring, World.tend, World.tend, 6, ["retired", "active", "published"]),
    ],
    ids=["registration", "staging", "activation", "withdrawal"],
)
def test_a_crash_at_any_moment_costs_no_key(
    kms_world, prepare, work, go_on, at_least, states, request
):
    """Another run ends where the undisturbed one does; nothing is made twice, nothing is lost."""
    crashes = 0
    for world, crashed in until_unharmed(lambda: prepare(kms_world()), work):
        crashes += crashed
        if crashed:
            go_on(world)
        assert world.states() == states
        assert_whole(world)
        assert_settled(world)
    print(f"{crashes} crash points of {request.node.callspec.id}")
    assert crashes >= at_least


def test_a_crash_in_an_emergency_never_leaves_the_old_key_in_use(kms_world):
    """From its first write on the emergency takes its course; before it, nothing has happened."""
    crashes = 0
    for world, crashed in until_unharmed(lambda: aged(kms_world()), emergency):
        crashes += crashed
        declared = world.account.keys[0].compromised_at is not None
        if declared:
            assert world.account.keys[0].kid not in [
                key.kid for key in published(world.account.keys)
            ]
            assert world.account.revocations.issued_before is not None
            world.tend()
        else:
            emergency(world)
        assert world.states() == ["retired", "active", "published"]
        assert_whole(world)
        assert_settled(world)
    print(f"{crashes} crash points of an emergency")
    assert crashes >= 12


def test_a_second_crash_in_the_repair_costs_no_key_either(kms_world):
    """Registration is killed at every moment, and so is whoever takes over, at every fifth."""
    crashes = 0
    for first in itertools.count():
        for second in itertools.count(first % 5, 5):
            world = kms_world()
            try:
                world.reborn(deadly=first).register()
            except Killed:
                pass
            else:
                print(f"{crashes} pairs of crash points of registration")
                assert crashes > 25
                return
            try:
                registered_or_again(world.reborn(deadly=second))
            except Killed:
                crashes += 1
                registered_or_again(world.reborn())
                assert world.states() == ["active", "published"]
                assert_whole(world)
            else:
                break


def test_an_account_that_is_removed_after_a_crash_leaves_no_key(kms_world):
    """The key that was being made is found and ended with the others."""
    for world, crashed in until_unharmed(lambda: unstaged(kms_world()), World.tend):
        if not crashed:
            return
        known = {key.kid for key in world.account.keys}

        world.key_keeping.discard_unrecorded(world.account)

        left = [key for key in world.provider.find(owner_of(world)) if key.kid not in known]
        assert left == []
