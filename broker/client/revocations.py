"""Ending much at once."""

from __future__ import annotations

from broker import contract
from broker.client.connection import Connection


class Revocations(Connection):
    """Ending much at once."""

    def revoke_many(
        self, body: contract.revocations.RevocationBody
    ) -> contract.revocations.ManyRevokedAnswer:
        """End what an engineer has, what a ticket led to, an account, or everything there is."""
        return self._ask(
            "POST", ("revocations",), answer=contract.revocations.ManyRevokedAnswer, body=body
        )
