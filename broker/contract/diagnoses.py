"""The models of `/v1/accounts/{account_id}/diagnosis`, and of `broker doctor --json`."""

from __future__ import annotations

from broker.contract.base import Answer
from broker.domain.diagnosis import Check, CheckStatus, Diagnosis


class CheckAnswer(Answer):
    """One check; `meaning` and `mend` are empty where it is well."""

    name: str
    status: CheckStatus
    found: str
    meaning: str
    mend: str


class DiagnosisAnswer(Answer):
    """All checks in order; the verdict is `failed` where one failed or could not run."""

    verdict: CheckStatus
    checks: list[CheckAnswer]

    @classmethod
    def of(cls, diagnosis: Diagnosis) -> DiagnosisAnswer:
        """The answer for a diagnosis."""
        return cls(
            verdict=diagnosis.verdict,
            checks=[
                CheckAnswer(
                    name=check.name,
                    status=check.status,
                    found=check.found,
                    meaning=check.meaning,
                    mend=check.mend,
                )
                for check in diagnosis.checks
            ],
        )

    def read(self) -> Diagnosis:
        """The diagnosis as it was answered."""
        return Diagnosis(tuple(Check(**check.model_dump()) for check in self.checks))
