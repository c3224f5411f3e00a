"""At most so many in a minute."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from broker.domain.budget import Budget

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_what_is_spent_comes_back_with_the_next_minute() -> None:
    """Not sooner, and not more than there was."""
    budget = Budget(2)
    assert [budget.spend(NOW) for _ in range(4)] == [True, True, False, False]
    assert not budget.spend(NOW + timedelta(seconds=59.999))
    assert [budget.spend(NOW + timedelta(minutes=1)) for _ in range(3)] == [True, True, False]


def test_a_clock_that_is_set_back() -> None:
    """Does not close it for longer than a minute."""
    budget = Budget(1)
    assert budget.spend(NOW)
    assert budget.spend(NOW - timedelta(days=1))


def test_many_threads_together_get_no_more() -> None:
    """One lock around counting."""
    budget = Budget(50)
    spent: list[bool] = []
    threads = [
        threading.Thread(target=lambda: spent.extend(budget.spend(NOW) for _ in range(20)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(spent) == 50
