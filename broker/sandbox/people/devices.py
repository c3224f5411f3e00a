"""Devices without a browser that wait until somebody signs in elsewhere (RFC 8628)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock

from broker.sandbox.clock import Clock
from broker.sandbox.people.register import SignedIn

DEVICE_LASTS = timedelta(minutes=10)
INTERVAL = timedelta(seconds=1)
"""How long a device waits before it asks again: on one machine nobody minds."""

_SLOWER = timedelta(seconds=5)
"""Section 3.5: by so much a hasty device must slow down, for good."""

_CODE_LETTERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One that asked. Authlib asks it by the names of its `DeviceCredentialMixin`."""

    device_code: str = field(repr=False)
    user_code: str
    client_id: str
    scope: str
    begun_at: datetime
    expired: bool = False
    """As it was when the record was given out."""

    def get_client_id(self) -> str:
        """Whose device it is."""
        return self.client_id

    def get_scope(self) -> str:
        """What it asked for."""
        return self.scope

    def get_user_code(self) -> str:
        """What the person reads from it."""
        return self.user_code

    def is_expired(self) -> bool:
        """Whether nobody signed in in time."""
        return self.expired


@dataclass(slots=True)
class _Waiting:
    device: Device
    interval: timedelta = INTERVAL
    asked_at: datetime | None = None
    decided: bool = False
    signed_in: SignedIn | None = None


class Devices:
    """In memory, and safe to use from many threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._waiting: dict[str, _Waiting] = {}

    def keep(self, device: Device) -> None:
        """Let it wait."""
        with self._lock:
            self._waiting[device.device_code] = _Waiting(device)

    def asking(self, device_code: str) -> Device | None:
        """The device that asks whether somebody has signed in."""
        with self._lock:
            found = self._waiting.get(device_code)
            return None if found is None else replace(found.device, expired=self._over(found))

    def hasty(self, device_code: str) -> bool:
        """Whether it asks too soon; it must wait longer from then on."""
        with self._lock:
            found, now = self._waiting.get(device_code), self._clock.now()
            if found is None:
                return False
            # Half a second is what clocks and schedulers may be off by.
            earliest = found.interval - timedelta(seconds=0.5)
            hasty = found.asked_at is not None and now < found.asked_at + earliest
            found.asked_at = now
            if hasty:
                found.interval += _SLOWER
            return hasty

    def verdict(self, device_code: str) -> tuple[SignedIn | None, bool] | None:
        """Who signed in, and whether they allow it; None while nobody has decided."""
        with self._lock:
            found = self._waiting.get(device_code)
            if found is None:
                return None, False
            return (found.signed_in, found.signed_in is not None) if found.decided else None

    def release(self, device_code: str) -> bool:
        """Let it go with its tokens: true once."""
        with self._lock:
            return self._waiting.pop(device_code, None) is not None

    def undecided(self, user_code: str) -> Device | None:
        """The device that shows this code and still waits for somebody."""
        with self._lock:
            found = self._showing(user_code)
            return None if found is None else found.device

    def decide(self, user_code: str, signed_in: SignedIn | None) -> bool:
        """Allow it in somebody's name, or deny it with None. False where nothing waits."""
        with self._lock:
            found = self._showing(user_code)
            if found is None:
                return False
            found.decided, found.signed_in = True, signed_in
            return True

    def _showing(self, user_code: str) -> _Waiting | None:
        """However it was typed: upper or lower case, with or without the hyphen."""
        letters = re.sub(r"[^A-Z]", "", user_code.upper())
        if len(letters) != _CODE_LETTERS:
            return None
        for waiting in self._waiting.values():
            same = waiting.device.user_code.replace("-", "") == letters
            if same and not waiting.decided and not self._over(waiting):
                return waiting
        return None

    def _over(self, waiting: _Waiting) -> bool:
        return self._clock.now() >= waiting.device.begun_at + DEVICE_LASTS
