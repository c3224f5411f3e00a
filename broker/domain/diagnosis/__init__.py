"""What a doctor says of a broker and of an account: checks, each with its mend, and a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class CheckStatus(StrEnum):
    """How a check ended. One that could not run is never a pass."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    NOT_RUN = "not_run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check: what was found, what that means, and what to do where it is not well.

    All three are sentences for people. None holds a secret, nor a text of AWS's.
    """

    name: str
    status: CheckStatus
    found: str
    meaning: str = ""
    mend: str = ""

    @classmethod
    def ok(cls, name: str, found: str) -> Self:
        """All is well, so there is nothing to explain."""
        return cls(name=name, status=CheckStatus.OK, found=found)

    @classmethod
    def warning(cls, name: str, found: str, *, meaning: str, mend: str) -> Self:
        """It works, and should be mended all the same."""
        return cls(name=name, status=CheckStatus.WARNING, found=found, meaning=meaning, mend=mend)

    @classmethod
    def failed(cls, name: str, found: str, *, meaning: str, mend: str) -> Self:
        """It does not work, or does not hold what it promises."""
        return cls(name=name, status=CheckStatus.FAILED, found=found, meaning=meaning, mend=mend)

    @classmethod
    def not_run(cls, name: str, found: str, *, mend: str) -> Self:
        """Nobody knows; `found` says what hindered the check."""
        return cls(
            name=name,
            status=CheckStatus.NOT_RUN,
            found=found,
            meaning="Nothing is known of this, so it does not count as well.",
            mend=mend,
        )


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All checks, in the order in which they were made."""

    checks: tuple[Check, ...]

    @property
    def verdict(self) -> CheckStatus:
        """`failed` where anything failed or did not run, or nothing was checked at all."""
        statuses = {check.status for check in self.checks}
        if not statuses or statuses & {CheckStatus.FAILED, CheckStatus.NOT_RUN}:
            return CheckStatus.FAILED
        return CheckStatus.WARNING if CheckStatus.WARNING in statuses else CheckStatus.OK
