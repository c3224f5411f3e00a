"""How long the sessions of web identities last, which a test can cut short to see them end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass
class SessionLength:
    """`longest` cuts every session short that is asked for from now on; None cuts none.

    AWS gives none below 15 minutes. What is asked for is still held to AWS's bounds.
    """

    longest: timedelta | None = None

    def of(self, asked: timedelta) -> timedelta:
        """What a session lasts that is asked for as this long."""
        return asked if self.longest is None else min(asked, self.longest)
