"""A key that may be known to somebody else is out of use at once."""

from __future__ import annotations

import pytest

from broker.errors import DependencyUnavailable
from keys.errors import KeyUnavailable
from keys.rotation import active, published
from keys.types import ProviderKeyState
from tests.integration.lifecycle.caching_aws import DAY, HOUR, KEPT_LONGER, MAX_AGE, UnknownKid
from tests.integration.lifecycle.rotating_keys import emergency, provider_states
from tests.integration.lifecycle.rotation_world import LONGEST_SESSION


class TestAnEmergency:
    """`POST …/key-rotation` with `emergency: true`."""

    def test_whoever_cached_the_jwks_just_before_knows_the_new_key(self, world):
        """No outage: the staged key stood in that copy."""
        world.onboard()
        world.clock.advance(DAY)
        world.directory.refresh()
        party = world.another_aws()
        party.fetch(world.account.issuer)

        emergency(world)

        for _ in range(24):
            party.verify(world.mint())
            world.aws.verify(world.mint())
            world.clock.advance(HOUR)
        assert party.unknown == []

    def test_the_old_key_is_useless_once_the_copies_have_expired(self, world):
        """It is out of the JWKS and disabled at once; copies are AWS's to forget."""
        world.onboard()
        world.clock.advance(DAY)
        world.directory.refresh()
        stolen = active(world.account.keys)
        before = world.mint()
        party = world.another_aws()
        party.fetch(world.account.issuer)

        account = emergency(world)

        assert stolen.kid not in [key.kid for key in published(account.keys)]
        assert provider_states(world)[stolen.kid] is ProviderKeyState.PENDING_DELETION
        assert world.states() == ["retired", "active", "published"]
        fresh = world.another_aws()
        with pytest.raises(UnknownKid):
            fresh.verify(before)
        world.clock.advance(MAX_AGE + KEPT_LONGER)
        with pytest.raises(UnknownKid):
            party.verify(before)

    def test_every_session_is_denied_in_the_same_write(self, world):
        """And the reconciler is asked to bring it into the account at once."""
        world.onboard()
        world.clock.advance(DAY)
        world.directory.refresh()

        account = emergency(world)

        assert account.revocations.issued_before == world.clock.now
        assert account.revocations.until == world.clock.now + LONGEST_SESSION
        assert world.reconciler.asked == 1
        assert world.entries()[-6:] == [
            ("key.rotation_asked", "intended"),
            ("account.revoked", "intended"),
            ("key.withdrawn", "done"),
            ("key.staged", "done"),
            ("account.canary", "intended"),
            ("account.canary", "done"),
        ]

    def test_a_canary_that_fails_does_not_bring_the_old_key_back(self, world):
        """AWS may not know the new key yet: an outage that ends, where a stranger would not."""
        world.onboard()
        world.aws.fetch(world.account.issuer)
        del world.aws._keys[world.account.keys[1].kid]

        account = emergency(world)

        assert world.states() == ["retired", "active", "published"]
        assert account.keys[0].compromised_at == world.clock.now
        assert world.entries()[-1] == ("account.canary", "failed")

    def test_a_key_provider_that_is_gone_does_not_keep_sessions_alive(self, world, monkeypatch):
        """Out of the JWKS, sessions denied; disabling is written down and done later."""
        world.onboard()
        stolen = active(world.account.keys)

        def unreachable(*_: object, **__: object) -> None:
            raise KeyUnavailable("KMS does not answer")

        with monkeypatch.context() as broken:
            broken.setattr(world.provider, "disable", unreachable)
            with pytest.raises(DependencyUnavailable) as pending:
                emergency(world)
        assert pending.value.code == "rotation_pending"
        assert world.reconciler.asked == 1
        assert stolen.kid not in [key.kid for key in published(world.account.keys)]
        assert world.account.next_check_at == world.clock.now

        world.tend()

        assert world.states() == ["retired", "active", "published"]
        assert provider_states(world)[stolen.kid] is ProviderKeyState.PENDING_DELETION

    def test_an_account_without_roles_has_nothing_to_revoke_there(self, world):
        """A registered account rotates its keys just so."""
        world.register()

        emergency(world)

        assert world.states() == ["retired", "active", "published"]
        assert world.reconciler.asked == 0
