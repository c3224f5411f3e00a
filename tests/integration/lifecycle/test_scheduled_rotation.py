"""Keys that are rotated in time or on request: no relying party is surprised."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from broker.domain.accounts import AccountState, Consent
from broker.errors import Conflict, NotFound
from broker.services.lifecycle.rotating import Urgency
from keys.rotation import active
from keys.types import KeyState, ProviderKeyState
from tests.integration.lifecycle.caching_aws import DAY, HOUR, UnknownKid
from tests.integration.lifecycle.rotating_keys import provider_states, rotate_now
from tests.integration.lifecycle.rotation_world import POLICY, WORKER


class TestAScheduledRotation:
    """Hour by hour through 110 days, with seven relying parties that cache for as long as ever."""

    def test_no_relying_party_ever_meets_a_key_that_it_does_not_know(self, world):
        """Each holds its copy of the JWKS for seven hours; they fetch at seven different hours."""
        world.onboard()
        parties = [world.another_aws() for _ in range(7)]
        signed_by: list[str] = []
        due = world.clock.now
        for hour in range(110 * 24):
            world.clock.advance(HOUR)
            if hour < len(parties):
                world.directory.refresh()
                parties[hour].fetch(world.account.issuer)
            tokens = [world.mint()]
            if world.clock.now >= due:
                due = min(world.key_keeping.next_check(world.tend()), world.clock.now + 6 * HOUR)
                tokens.append(world.mint())
            for party, token in itertools.product(parties[: hour + 1], tokens):
                party.verify(token)
            kid = active(world.account.keys).kid
            if kid not in signed_by:
                signed_by.append(kid)

        assert [party.unknown for party in parties] == [[]] * 7
        assert all(party.fetches > 110 * 24 / 8 for party in parties)
        assert len(signed_by) == 2
        assert world.states() == ["retired", "active", "published"]
        assert world.aws.unknown == []

    def test_without_the_wait_they_would_meet_one(self, world):
        """The test above can fail: with an hour's wait, a copy of seven hours lacks the third."""
        hurried = replace(world, policy=replace(POLICY, publish_before_use=HOUR))
        hurried.onboard()
        hurried.directory.refresh()
        party = hurried.another_aws()
        party.fetch(hurried.account.issuer)
        for _ in range(2):
            party.verify(hurried.mint())
            hurried.clock.advance(HOUR)
            # The canary's own copy is always fresh here: it does not stand in for the wait.
            hurried.aws.fetch(hurried.account.issuer)
            rotate_now(hurried)
            hurried.directory.refresh()

        with pytest.raises(UnknownKid):
            party.verify(hurried.mint())

    def test_the_old_key_is_gone_when_nobody_needs_it(self, world):
        """Ten minutes for its tokens, and the time of every copy: then it is on its way out."""
        world.onboard()
        world.clock.advance(90 * DAY)
        world.tend()
        assert world.states() == ["retiring", "active", "published"]
        assert set(provider_states(world).values()) == {ProviderKeyState.ENABLED}

        world.clock.advance(POLICY.keep_published)
        world.tend()

        assert world.states() == ["retired", "active", "published"]
        assert provider_states(world)[world.account.keys[0].kid] is (
            ProviderKeyState.PENDING_DELETION
        )

    def test_nothing_is_written_while_nothing_is_due(self, world):
        """A pass over healthy keys is a look at the record and no more."""
        world.onboard()
        head = world.store.journal.head(world.account_id)

        world.tend()

        assert world.store.journal.head(world.account_id) == head

    def test_a_key_that_aws_does_not_know_does_not_sign(self, world):
        """The canary fails: the old key signs on, the ledger tells, and it is tried again."""
        world.onboard()
        world.aws.fetch(world.account.issuer)
        signing = active(world.account.keys).kid
        staged = world.account.keys[1].kid
        del world.aws._keys[staged]
        world.aws._fresh_until += 100 * DAY
        world.clock.advance(90 * DAY)

        account = world.tend()

        assert active(account.keys).kid == signing
        assert world.entries()[-1] == ("key.activated", "failed")
        assert world.key_keeping.next_check(account) == world.clock.now + HOUR
        world.clock.advance(11 * DAY)
        assert active(world.tend().keys).kid == staged

    @pytest.mark.parametrize("end", ["disable", "schedule_deletion"])
    def test_a_staged_key_that_somebody_has_taken_away_is_replaced(self, world, end):
        """The old key signs on until the replacement has been published for long enough."""
        signing, staged = (key.reference for key in world.onboard().keys)
        days = {"days": 7} if end == "schedule_deletion" else {}
        getattr(world.provider, end)(staged, **days)
        world.clock.advance(90 * DAY)
        world.tend()
        assert world.states() == ["active", "retired", "published"]
        assert active(world.account.keys).kid == signing.kid
        assert provider_states(world)[staged.kid] in {
            ProviderKeyState.PENDING_DELETION,
            ProviderKeyState.MISSING,
        }

        world.clock.advance(DAY)
        world.tend()

        assert world.states() == ["retiring", "retired", "active", "published"]

    def test_while_access_is_off_the_rotation_waits(self, world):
        """No role would take a canary, and nothing is signed; with consent it goes on."""
        world.onboard()
        world.change(consent=Consent.OFF)
        world.clock.advance(90 * DAY)
        assert world.tend().keys[0].state is KeyState.ACTIVE

        world.change(consent=Consent.STANDING)

        assert world.tend().keys[0].state is KeyState.RETIRING

    def test_an_account_that_leaves_gets_no_new_keys(self, world):
        """Its keys are the removal's business."""
        world.onboard()
        world.clock.advance(100 * DAY)
        for state in (AccountState.REMOVING, AccountState.REMOVED):
            account = world.change(state=state)
            assert world.tend() == account

    def test_an_account_that_nobody_knows(self, world):
        with pytest.raises(NotFound):
            world.tend()


class TestARotationOnRequest:
    """`POST …/key-rotation` with `emergency: false`."""

    def test_it_waits_until_the_staged_key_is_known(self, world):
        """Written down, with the time at which it happens; then it happens."""
        world.onboard()
        world.clock.advance(HOUR)

        account = rotate_now(world)

        assert account.rotation_asked_at == world.clock.now
        assert account.next_check_at == world.clock.now + 23 * HOUR
        assert world.states() == ["active", "published"]
        world.clock.advance(23 * HOUR)
        account = world.tend()
        assert world.states() == ["retiring", "active", "published"]
        assert account.rotation_asked_at is None

    def test_it_happens_at_once_where_it_can(self, world):
        """The staged key has been published for days."""
        world.onboard()
        world.clock.advance(2 * DAY)
        world.directory.refresh()

        rotate_now(world)

        assert world.states() == ["retiring", "active", "published"]

    def test_asking_twice_is_asking_once(self, world):
        """The first time counts, and one rotation follows."""
        world.onboard()
        asked = rotate_now(world).rotation_asked_at
        world.clock.advance(HOUR)
        assert rotate_now(world).rotation_asked_at == asked
        world.clock.advance(DAY)
        world.tend()
        world.clock.advance(DAY)
        world.tend()

        assert [key.state for key in world.account.keys if key.activated_at] == [
            KeyState.RETIRED,
            KeyState.ACTIVE,
        ]

    def test_an_account_that_leaves_is_refused(self, world):
        world.onboard()
        world.change(state=AccountState.REMOVED)
        for urgency in Urgency:
            with pytest.raises(Conflict) as refused:
                world.rotating(world.account_id, urgency, WORKER)
            assert refused.value.code == "account_not_active"
