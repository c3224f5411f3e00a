"""The first keys of an account, and keys that nobody owns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from broker.errors import Conflict, DependencyUnavailable
from keys.errors import KeyUnavailable
from keys.types import Algorithm, KeyState, ProviderKeyState
from tests.integration.lifecycle.rotating_keys import assert_whole, owner_of, provider_states
from tests.integration.lifecycle.rotation_world import WORKER


class TestRegistration:
    """The account first, then its keys."""

    def test_it_answers_with_both_keys(self, world):
        account = world.register()

        assert [key.state for key in account.keys] == [KeyState.ACTIVE, KeyState.PUBLISHED]
        assert (account.staging_since, account.next_check_at) == (None, None)
        assert world.entries() == [
            ("account.registered", "done"),
            ("key.staged", "done"),
            ("key.activated", "done"),
            ("key.staged", "done"),
        ]

    def test_of_many_at_once_one_wins_and_makes_two_keys(self, kms_world):
        world = kms_world()

        def attempt(_: int) -> bool:
            try:
                world.register()
            except Conflict as e:
                assert e.code == "already_registered"  # noqa: PT017 - the only way to fail
                return False
            return True

        with ThreadPoolExecutor(8) as threads:
            outcomes = list(threads.map(attempt, range(16)))

        assert outcomes.count(True) == 1
        assert_whole(world)

    def test_a_key_provider_that_is_gone_leaves_an_account_that_completes_itself(
        self, world, monkeypatch
    ):
        """503, but registered: the worker finds it in five minutes, and it is not made twice."""

        def unreachable(*_: object, **__: object) -> None:
            raise KeyUnavailable("KMS does not answer")

        with monkeypatch.context() as broken:
            broken.setattr(world.provider, "create", unreachable)
            with pytest.raises(DependencyUnavailable):
                world.register()
        assert world.account.keys == ()
        assert world.account.next_check_at is not None
        with pytest.raises(Conflict):
            world.register()

        world.tend()

        assert world.states() == ["active", "published"]
        assert world.account.next_check_at is None


class TestOrphans:
    """Keys that nobody owns."""

    def test_they_are_listed_with_age_and_cost(self, world):
        """What a lost store leaves: keys of an account that is registered no more, or anew."""
        world.register()
        owner = owner_of(world)
        lost = world.provider.create(
            owner=replace(owner, issuer_id="0" * 32), algorithm=Algorithm.ES256
        )
        stranger = world.provider.create(
            owner=replace(owner, account_id="not an account"), algorithm=Algorithm.ES256
        )

        found = world.orphans.find(WORKER)

        assert {orphan.key.locator for orphan in found} == {lost.locator, stranger.locator}
        assert {orphan.monthly_usd for orphan in found} == {1}

    def test_a_key_that_is_being_made_is_none(self, world):
        """Its account says so."""
        account = world.register()
        world.change(keys=account.keys[:1], staging_since=world.clock.now)

        assert world.orphans.find(WORKER) == ()

    def test_discarding_is_recorded_and_costs_no_more(self, world):
        world.register()
        lost = world.provider.create(
            owner=replace(owner_of(world), issuer_id="0" * 32), algorithm=Algorithm.ES256
        )
        (orphan,) = world.orphans.find(WORKER)

        world.orphans.discard(orphan, WORKER)

        assert world.provider.describe(lost) is ProviderKeyState.PENDING_DELETION
        (going,) = world.orphans.find(WORKER)
        assert going.monthly_usd == 0
        assert set(provider_states(world).values()) == {ProviderKeyState.ENABLED}

    def test_a_key_that_has_found_its_owner_is_not_discarded(self, world):
        """Between the list and the deletion somebody has recorded it."""
        account = world.register()
        world.change(keys=account.keys[:1])
        (orphan,) = world.orphans.find(WORKER)
        world.change(keys=account.keys)

        with pytest.raises(Conflict) as refused:
            world.orphans.discard(orphan, WORKER)

        assert refused.value.code == "key_is_owned"
        assert set(provider_states(world).values()) == {ProviderKeyState.ENABLED}
