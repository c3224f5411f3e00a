"""When a ledger is signed, by whom, and what happens where it cannot be."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from broker.domain.accounts import Account
from broker.domain.ledger.entries import LedgerAction
from broker.domain.ports import ManagedAccount, TaskKind
from broker.errors import (
    AccessDenied,
    Conflict,
    DependencyUnavailable,
    LedgerUnavailable,
    UpstreamRejected,
)
from broker.services.issuer.minting import SigningKeyGone
from keys.errors import KeyUnavailable
from keys.rotation import activate, active, next_in_line
from keys.types import KeyState
from tests.integration.ledger.world import ACCOUNT, ADMIN, BUCKET, CONSOLE, LedgerWorld, verified

SIGNED, COPIED = LedgerAction.LEDGER_SIGNED, LedgerAction.CHECKPOINT_COPIED


def key_of(world: LedgerWorld):
    return active(world.account.record.keys).reference


def provider(world: LedgerWorld):
    return world.services.ledger.signing.minter._providers["local"]


class NoManagementRole:
    """The customer has deleted the stack."""

    def assume(self, account: Account) -> ManagedAccount:
        raise UpstreamRejected(f"There is no role in {account.account_id}.")


def test_a_worker_signs_the_first_time_and_then_in_time(world: LedgerWorld) -> None:
    """Not before the interval is over, and then what was written since."""
    world.write()
    world.signing.when_due(ACCOUNT, ADMIN)
    assert len(world.checkpoints) == 1
    world.write()
    world.later(hours=23)
    world.signing.when_due(ACCOUNT, ADMIN)
    assert len(world.checkpoints) == 1
    world.later(hours=1)
    world.signing.when_due(ACCOUNT, ADMIN)
    first, second = world.checkpoints
    assert second == first + 2
    assert [c.head.seq for c in verified(world.export()).checkpoints] == [first, second]


def test_a_pass_over_an_account_ends_with_a_look_at_its_ledger(world: LedgerWorld) -> None:
    """However the pass went: here AWS is out of reach."""
    world.services.worker.handlers[TaskKind.ACCOUNT](ACCOUNT, ADMIN)
    assert len(world.checkpoints) == 1
    assert world.account.record.failures == 1
    world.services.worker.handlers[TaskKind.ACCOUNT](ACCOUNT, ADMIN)
    assert len(world.checkpoints) == 1


def test_nothing_is_signed_where_nothing_else_was_written(world: LedgerWorld) -> None:
    """Signing and copying write entries themselves, which alone are no reason to sign."""
    world.save(replace(world.account.record, checkpoint_bucket=BUCKET))
    world.signing.when_due(ACCOUNT, ADMIN)
    before = world.entries
    for _ in range(3):
        world.later(days=30)
        world.signing.when_due(ACCOUNT, ADMIN)
    assert world.entries == before
    assert before[-1].action == COPIED


def test_a_request_is_signed_whenever_it_comes(world: LedgerWorld) -> None:
    """Whoever asks gets the head as it is, by the rules of the table."""
    one, other = world.signing(ACCOUNT, ADMIN), world.signing(ACCOUNT, ADMIN)
    assert other.seq == one.seq + 1
    with pytest.raises(AccessDenied):
        world.signing(ACCOUNT, CONSOLE)


def test_two_who_sign_at_once_sign_two_heads(world: LedgerWorld) -> None:
    """Each checkpoint is of another entry, and all of them are good."""
    signers = [
        threading.Thread(target=world.signing, args=(ACCOUNT, ADMIN), daemon=True) for _ in range(4)
    ]
    for signer in signers:
        signer.start()
    for signer in signers:
        signer.join()
    assert len(world.checkpoints) == 4
    assert len(verified(world.export()).checkpoints) == 4


def test_a_rotation_brings_another_key_into_the_export(world: LedgerWorld) -> None:
    """The old key is in no JWKS any more, and its checkpoint verifies nevertheless."""
    world.signing(ACCOUNT, ADMIN)
    account = world.account.record
    staged = next_in_line(account.keys)
    assert staged is not None
    old = key_of(world).kid
    keys = activate(account.keys, staged.kid, now=world.now)
    world.save(replace(account, keys=tuple(key for key in keys if key.kid != old)))
    world.signing(ACCOUNT, ADMIN)
    proved = verified(world.export())
    assert [c.head.kid for c in proved.checkpoints] == [old, staged.kid]


def test_without_a_key_there_is_no_signing(world: LedgerWorld) -> None:
    """Who asks is told so, and the worker passes over it."""
    keys = tuple(replace(key, state=KeyState.RETIRED) for key in world.account.record.keys)
    world.save(replace(world.account.record, keys=keys))
    with pytest.raises(Conflict) as refused:
        world.signing(ACCOUNT, ADMIN)
    assert refused.value.code == "account_not_active"
    world.signing.when_due(ACCOUNT, ADMIN)
    world.signing.last(ACCOUNT, ADMIN)
    assert world.checkpoints == []
    assert world.told(SIGNED) == []


def test_a_key_that_cannot_sign_now_is_told_and_tried_again(
    world: LedgerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker goes on with its work, whoever asked gets the reason, removal waits."""

    def out_of_reach(_: object) -> None:
        raise KeyUnavailable("tests")

    with monkeypatch.context() as outage:
        outage.setattr(provider(world), "signer", out_of_reach)
        world.signing.when_due(ACCOUNT, ADMIN)
        for ask in (world.signing, world.signing.last):
            with pytest.raises(DependencyUnavailable):
                ask(ACCOUNT, ADMIN)
    assert [(entry.outcome, entry.reason) for entry in world.told(SIGNED)] == [
        ("failed", "aws_unavailable")
    ] * 3
    world.signing.when_due(ACCOUNT, ADMIN)
    assert len(world.checkpoints) == 1


def test_a_ledger_that_cannot_be_written_is_not_passed_over(
    world: LedgerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker waits for it, as for every other task."""

    def gone(*_: object, **__: object) -> None:
        raise LedgerUnavailable("The ledger is gone.")

    monkeypatch.setattr(world.services.store.journal, "record", gone)
    with pytest.raises(DependencyUnavailable, match="The ledger is gone"):
        world.signing.when_due(ACCOUNT, ADMIN)


def test_a_key_that_is_gone_keeps_no_removal_waiting(world: LedgerWorld) -> None:
    """It is told in the chain; who asks for a checkpoint is refused."""
    provider(world).disable(key_of(world))
    world.signing.last(ACCOUNT, ADMIN)
    assert world.told(SIGNED)[-1].outcome == "failed"
    with pytest.raises(SigningKeyGone):
        world.signing(ACCOUNT, ADMIN)
    assert world.checkpoints == []


def test_the_last_checkpoint_is_signed_before_the_keys_go(world: LedgerWorld) -> None:
    """Removal signs everything up to the emptied account; then no key of it signs any more."""
    removal = replace(world.services.removal, management=NoManagementRole())
    removal.ask(ACCOUNT, ADMIN)
    removal.carry_on(ACCOUNT, ADMIN)
    (last,) = world.checkpoints
    after = [entry.action for entry in world.entries if entry.seq > last]
    assert after[:2] == ["ledger.signed", "account.removed"]
    assert all(key.state is KeyState.RETIRING for key in world.account.record.keys)
    proved = verified(world.export())
    assert proved.checkpoints[-1].head.seq == last


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UpstreamRejected("The bucket does not take it."), "refused_by_aws"),
        (DependencyUnavailable("AWS does not answer."), "aws_unavailable"),
    ],
)
def test_a_copy_that_fails_is_made_up_for_by_the_latest(
    world: LedgerWorld, error: UpstreamRejected, code: str
) -> None:
    """Signing goes on; the account says what is wrong until a copy got there."""
    world.save(replace(world.account.record, checkpoint_bucket=BUCKET))
    world.buckets.error = error
    world.signing(ACCOUNT, ADMIN)
    latest = world.signing(ACCOUNT, ADMIN)
    assert [(entry.outcome, entry.reason) for entry in world.told(COPIED)] == [("failed", code)] * 2
    assert world.account.record.checkpoint_error == error.public_message
    world.buckets.error = None
    world.signing.when_due(ACCOUNT, ADMIN)
    assert world.buckets.kept == [(BUCKET, latest.seq)]
    assert world.account.record.checkpoint_error is None
    world.signing.when_due(ACCOUNT, ADMIN)
    assert world.buckets.kept == [(BUCKET, latest.seq)]


def test_without_a_bucket_nothing_is_copied(world: LedgerWorld) -> None:
    """Nor is anything said of it."""
    world.signing(ACCOUNT, ADMIN)
    assert world.buckets.kept == []
    assert world.told(COPIED) == []
