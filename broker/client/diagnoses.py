"""What the doctor finds."""

from __future__ import annotations

from broker import contract
from broker.client.connection import Connection
from broker.domain.identifiers import AccountId


class Diagnoses(Connection):
    """What the doctor finds."""

    def diagnose_account(self, account_id: AccountId) -> contract.diagnoses.DiagnosisAnswer:
        """Check the broker and the account, from settings to canaries; each check with its mend."""
        return self._ask(
            "GET", ("accounts", account_id, "diagnosis"), answer=contract.diagnoses.DiagnosisAnswer
        )
