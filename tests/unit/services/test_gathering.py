"""Notes are told together, a moment later, by one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from structlog.testing import capture_logs

from broker.errors import DependencyUnavailable
from broker.services.gathering import Gatherer


def test_notes_are_told_together() -> None:
    """All that came within the pause, once."""
    told: list[list[int]] = []
    heard = threading.Event()

    def tell(notes: Sequence[int]) -> None:
        told.append(list(notes))
        heard.set()

    gatherer = Gatherer(tell, lost="notes_lost", pause=0.05)
    for number in range(100):
        gatherer.note(number)
    assert heard.wait(30)
    gatherer.flush()
    assert sorted(number for notes in told for number in notes) == list(range(100))
    assert len(told[0]) > 1


def test_flush_waits_until_it_is_told() -> None:
    """Also for what another thread is telling at the moment."""
    told: list[str] = []
    gatherer = Gatherer(told.extend, lost="notes_lost", pause=3600)
    gatherer.note("one")
    assert told == []
    gatherer.flush()
    assert told == ["one"]


def test_what_the_store_does_not_take_is_lost_and_logged() -> None:
    """Nobody waits for it, and the next notes are taken as ever."""
    kept: list[str] = []
    away = [True]

    def tell(notes: Sequence[str]) -> None:
        if away.pop() if away else False:
            raise DependencyUnavailable("The store does not answer.")
        kept.extend(notes)

    gatherer = Gatherer(tell, lost="notes_lost", pause=3600)
    gatherer.note("one")
    with capture_logs() as logs:
        gatherer.flush()
    assert [(entry["event"], entry["number"]) for entry in logs] == [("notes_lost", 1)]
    gatherer.note("two")
    gatherer.flush()
    assert kept == ["two"]
