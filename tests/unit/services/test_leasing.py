"""The lease of an account: renewed for as long as the work takes, and by nobody afterwards."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest

from broker.domain.identifiers import AccountId
from broker.domain.ports import Lease
from broker.errors import Conflict, StoreUnavailable
from broker.services.leasing import HELD_FOR, Leasing

ACCOUNT = AccountId("111122223333")
SOON = timedelta(milliseconds=5)


class Leases:
    """Gives out one lease, and notes what becomes of it."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.answers = list(answers)
        self.renewed: list[timedelta] = []
        self.enough = threading.Event()
        self.released: list[Lease] = []
        self.taken = False

    def acquire(self, name: str, *, holder: str, ttl: timedelta) -> Lease | None:
        assert ttl == HELD_FOR
        return None if self.taken else Lease(name=name, holder=holder, fencing=7)

    def renew(self, lease: Lease, *, ttl: timedelta) -> bool:
        assert lease.fencing == 7
        self.renewed.append(ttl)
        if len(self.renewed) >= 3:
            self.enough.set()
        answer = self.answers.pop(0) if self.answers else True
        if isinstance(answer, Exception):
            raise answer
        return answer

    def release(self, lease: Lease) -> None:
        self.released.append(lease)


def leasing(leases: Leases) -> Leasing:
    return Leasing(leases=leases, sleep=lambda _: None, renew_after=SOON)


def test_it_is_renewed_while_the_work_lasts_and_given_back_then():
    leases = Leases()
    with leasing(leases).exclusive(ACCOUNT, holder="me"):
        assert leases.enough.wait(timeout=10)
        assert leases.released == []
    renewed = len(leases.renewed)
    assert set(leases.renewed) == {HELD_FOR}
    assert [lease.holder for lease in leases.released] == ["me"]
    time.sleep(10 * SOON.total_seconds())
    assert len(leases.renewed) == renewed


def test_a_store_that_is_gone_for_a_moment_is_asked_again():
    gone = StoreUnavailable("gone")
    leases = Leases(gone, gone)
    with leasing(leases).exclusive(ACCOUNT, holder="me"):
        assert leases.enough.wait(timeout=10)


def test_one_that_lapsed_is_not_taken_back():
    """Somebody else may have it by now; what the work writes is checked against the record."""
    leases = Leases(False)
    with leasing(leases).exclusive(ACCOUNT, holder="me"):
        assert not leases.enough.wait(timeout=0.2)
    assert len(leases.renewed) == 1


def test_work_that_fails_gives_it_back():
    leases = Leases()
    with pytest.raises(ZeroDivisionError), leasing(leases).exclusive(ACCOUNT, holder="me"):
        raise ZeroDivisionError
    assert len(leases.released) == 1


def test_what_somebody_else_has_is_not_waited_for_without_end():
    leases = Leases()
    leases.taken = True
    with (
        pytest.raises(Conflict) as busy,
        leasing(leases).exclusive(ACCOUNT, holder="me", patience=timedelta(seconds=1)),
    ):
        pytest.fail("there were two at once")
    assert busy.value.code == "reconciliation_running"
    assert leases.renewed == []
