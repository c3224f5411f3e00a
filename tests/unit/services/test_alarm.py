"""An alarm wakes who waits, from wherever it is rung."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

import pytest

from broker.services.background.alarm import Alarm

FOREVER = 30.0


@pytest.fixture
def on_alarm_signal() -> Iterator[Alarm]:
    """An alarm that SIGALRM stops."""
    alarm = Alarm()
    before = signal.signal(signal.SIGALRM, lambda *_: alarm.stop())
    yield alarm
    signal.signal(signal.SIGALRM, before)


def waited(alarm: Alarm, seconds: float) -> float:
    begun = time.monotonic()
    alarm.wait(seconds)
    return time.monotonic() - begun


def test_who_waits_is_woken_by_another_thread() -> None:
    alarm = Alarm()
    ringing = threading.Timer(0.01, alarm.ring)
    ringing.start()
    assert waited(alarm, FOREVER) < FOREVER / 2
    ringing.join()
    assert not alarm.stopping


def test_who_waits_is_woken_by_a_signal(on_alarm_signal: Alarm) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    assert waited(on_alarm_signal, FOREVER) < FOREVER / 2
    assert on_alarm_signal.stopping


def test_rings_before_the_wait_end_it_at_once_and_count_as_one() -> None:
    alarm = Alarm()
    alarm.ring()
    alarm.ring()
    assert waited(alarm, FOREVER) < FOREVER / 2
    assert waited(alarm, 0.02) >= 0.02


def test_nobody_rings_and_the_time_passes() -> None:
    assert waited(Alarm(), 0.02) >= 0.02
