"""What the customer's trail tells."""

from __future__ import annotations

from broker import contract
from broker.client.connection import Connection
from broker.domain.identifiers import AccountId, SessionId


class Trails(Connection):
    """What the customer's trail tells."""

    def show_activity(
        self, session_id: SessionId, query: contract.trail.ActivityQuery
    ) -> contract.trail.ActivityPage:
        """List what a session did, from CloudTrail; what was not certainly a read is marked."""
        return self._ask(
            "GET",
            ("sessions", session_id, "activity"),
            answer=contract.trail.ActivityPage,
            query=query,
        )

    def reconcile_ledger(
        self, account_id: AccountId, body: contract.trail.ReconciliationBody
    ) -> contract.trail.ReconciliationAnswer:
        """Compare CloudTrail's sessions of the support roles with the ledger, both ways."""
        return self._ask(
            "POST",
            ("accounts", account_id, "ledger-reconciliation"),
            answer=contract.trail.ReconciliationAnswer,
            body=body,
        )
