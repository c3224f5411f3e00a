"""Keys through their whole life: no relying party is surprised, and no crash costs a key."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from moto import mock_aws

from broker.domain.accounts import Account, AccountState, Consent
from broker.errors import Conflict, DependencyUnavailable, NotFound
from broker.services.lifecycle.rotating import Urgency
from broker.store import Store, open_store
from keys.errors import KeyUnavailable
from keys.local import LocalKeyProvider
from keys.rotation import active, published
from keys.types import Algorithm, KeyState, ProviderKeyState
from tests.integration.lifecycle.rotation_world import (
    DAY,
    HOUR,
    KEPT_LONGER,
    LONGEST_SESSION,
    MAX_AGE,
    POLICY,
    WORKER,
    Clock,
    Killed,
    UnknownKid,
    World,
    empty,
    empty_kms,
    on_kms,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(f"embedded:{tmp_path_factory.mktemp('store')}") as opened:
        yield opened


@pytest.fixture
def world(store: Store, tmp_path: Path) -> World:
    """With keys in files, whose deletion follows the test's own clock."""
    empty(store)
    clock = Clock()
    provider = LocalKeyProvider(tmp_path / "keys", passphrase=b"correct horse", clock=clock)
    return World(store, lambda _: provider, clock)


@pytest.fixture
def kms_world(store: Store) -> Iterator[Callable[[], World]]:
    def fresh() -> World:
        empty(store)
        empty_kms()
        return World(store, on_kms, Clock())

    with mock_aws():
        yield fresh


def rotate_now(world: World) -> Account:
    return world.rotating(world.account_id, Urgency.WHEN_READY, WORKER)


def emergency(world: World) -> Account:
    account = world.rotating(world.account_id, Urgency.EMERGENCY, WORKER)
    world.directory.refresh()
    return account


def provider_states(world: World) -> dict[str, ProviderKeyState]:
    return {key.kid: world.provider.describe(key.reference) for key in world.account.keys}


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


# Crashes: the process is killed right before and right after every call to KMS, every canary and
# every write to the journal, once at each of these moments; then another process takes over.


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


def owner_of(world: World):
    (listed, *_) = [
        key
        for key in world.provider.inventory(without=())
        if key.owner.account_id == world.account_id
    ]
    return listed.owner


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
