"""IAM's eventual consistency: what binds a role is what was written some time ago.

Off unless it is asked for. What a role has is noted after each call that changes it, so that a
change takes effect that long after it was made, however seldom the role is used.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from moto.iam.models import IAMBackend
from moto.iam.responses import IamResponse

Texts = tuple[str, ...]
"""The texts of the policies that a role has, inline and managed."""

_KEPT = 200
_CHANGES = (
    "create_role",
    "put_role_policy",
    "delete_role_policy",
    "attach_role_policy",
    "detach_role_policy",
)


@dataclass
class PolicyDelay:
    """Remembers the policies of roles, and from when on each version of them is in force.

    `seconds` is what a change takes from now on; `clock` counts seconds and never goes back.
    """

    clock: Callable[[], float] = time.monotonic
    seconds: float = 0
    _noted: dict[str, deque[tuple[float, Texts]]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def note(self, role_id: str, texts: Texts) -> None:
        """The role has these policies from now on."""
        with self._lock:
            noted = self._noted.setdefault(role_id, deque(maxlen=_KEPT))
            noted.append((self.clock() + (self.seconds if noted else 0), texts))

    def in_force(self, role_id: str, current: Texts) -> Texts:
        """The policies that bind the role now, of which `current` are the ones it has."""
        with self._lock:
            now = self.clock()
            noted = reversed(self._noted.get(role_id, ()))
            return next((texts for since, texts in noted if since <= now), current)


def install(note: Callable[[IAMBackend, str], None]) -> None:
    """Have `note` called with a role's name after each change of its policies, in this process."""
    for name in _CHANGES:
        setattr(IamResponse, name, _followed(getattr(IamResponse, name), note))


def _followed(
    operation: Callable[[IamResponse], Any], note: Callable[[IAMBackend, str], None]
) -> Callable[[IamResponse], Any]:
    def noted(self: IamResponse) -> Any:
        answer = operation(self)
        note(self.backend, self._get_param("RoleName"))
        return answer

    return noted
