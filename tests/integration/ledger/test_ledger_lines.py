"""What an export holds while the chain is written to, signed and archived around it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain.identifiers import AccountId
from broker.domain.ledger.checkpoints import Checkpoint
from broker.domain.ports import Versioned
from broker.errors import NotFound
from broker.services.ledger.lines import BrokenOff, LedgerLines, Stretch
from tests.integration.ledger.world import ACCOUNT, ADMIN, CHAIN, LedgerWorld, an_event, verified
from tests.unit.domain.exported_ledgers import STRANGERS_KEY


class Meanwhile:
    """Checkpoints among which another appears between the first reading and the second."""

    def __init__(self, behind: object, newcomer: Checkpoint) -> None:
        self._behind, self._newcomer, self._readings = behind, newcomer, 0

    def latest(self, account_id: AccountId) -> Versioned[Checkpoint] | None:
        raise NotImplementedError

    def between(
        self, account_id: AccountId, *, first: int, last: int, limit: int
    ) -> tuple[Checkpoint, ...]:
        found = self._behind.between(account_id, first=first, last=last, limit=limit)
        self._readings += bool(found)
        return (*found, self._newcomer) if found and self._readings > 1 else found


def lines_of(world: LedgerWorld) -> LedgerLines:
    return world.services.ledger.export.lines


def whole(world: LedgerWorld) -> Stretch:
    return Stretch(account_id=ACCOUNT, after=0, through=world.entries[-1].seq)


def test_a_checkpoint_by_a_new_key_that_comes_meanwhile_waits(world: LedgerWorld) -> None:
    """Its key is not among those that were sent already, so the next export has it."""
    signed = world.signing(ACCOUNT, ADMIN)
    world.write()
    newcomer = replace(signed, seq=signed.seq + 1, key=STRANGERS_KEY.jwk)
    checkpoints = Meanwhile(world.services.store.checkpoints, newcomer)
    lines = replace(lines_of(world), checkpoints=checkpoints)
    text = b"".join(lines(whole(world)))
    assert len(verified(text.splitlines(keepends=True)).checkpoints) == 1


def test_what_is_written_meanwhile_is_left_to_the_next(world: LedgerWorld) -> None:
    """An export ends where it was going to when it began."""
    world.write(3)
    stretch = whole(world)
    pieces = lines_of(world)(stretch)
    world.write(3)
    proved = verified(b"".join(pieces).splitlines(keepends=True))
    assert proved.last_seq == stretch.through


@pytest.mark.parametrize("left", [0, 1])
def test_what_is_archived_meanwhile_breaks_it_off(
    world: LedgerWorld, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    """Whether entries of it are left in the store or none."""
    monkeypatch.setattr("broker.services.ledger.lines.ENTRIES_AT_ONCE", 2)
    world.write(8)
    stretch = whole(world)
    pieces = lines_of(world)(stretch)
    next(pieces)
    journal = world.services.store.journal
    journal.archive(CHAIN, an_event(), through=stretch.through - left, now=world.now)
    with pytest.raises(BrokenOff):
        list(pieces)


def test_what_is_archived_already_is_not_found(world: LedgerWorld) -> None:
    """At once, before anything is sent."""
    world.write(3)
    stretch = whole(world)
    journal = world.services.store.journal
    journal.archive(CHAIN, an_event(), through=stretch.through, now=world.now)
    with pytest.raises(NotFound) as gone:
        lines_of(world)(stretch)
    assert gone.value.code == "archived"
