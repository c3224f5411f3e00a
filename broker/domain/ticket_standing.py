"""What a ticket is worth to those who were granted something for it, as far as anybody can say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from broker.domain.access import ticket_refuses
from broker.domain.grants import Purpose
from broker.domain.tickets import Ticket

SOURCE_SILENT = "ticket_source_silent"
"""Why something ends of which nobody could say for long whether its ticket is open."""

LONGEST_PAUSE = timedelta(minutes=1)
"""How long a source that does not answer is left alone for one ticket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """How a source is watched that does not tell of changes by itself."""

    every: timedelta
    longest_silence: timedelta


@dataclass(frozen=True, slots=True)
class Told:
    """What the ticket is; None where there is none, or none any more."""

    ticket: Ticket | None

    def objection(self, purpose: Purpose) -> str | None:
        """Why what was granted for this ends; None where it stands."""
        refusal = ticket_refuses(purpose, self.ticket)
        return None if refusal is None else refusal.value

    def look_again_after(self, rounds: Rounds) -> timedelta:
        """How long to wait while something stands."""
        return rounds.every


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody knows what the ticket is, for so long by now."""

    lasts: timedelta
    longest: timedelta

    def objection(self, purpose: Purpose) -> str | None:
        """Silence is nothing to go by, until there has been too much of it."""
        del purpose
        return SOURCE_SILENT if self.lasts >= self.longest else None

    def look_again_after(self, rounds: Rounds) -> timedelta:
        """Longer the longer it lasts, and never past its longest."""
        patient = max(rounds.every, min(self.lasts, LONGEST_PAUSE))
        return min(patient, self.longest - self.lasts)


Standing = Told | Silence
