"""Reading the hash chains, signing their heads, taking them along."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

from broker import contract
from broker.client.connection import Connection


class Ledger(Connection):
    """Reading the hash chains, signing their heads, taking them along."""

    def list_entries(self, query: contract.base.AccountListQuery) -> contract.ledger.LedgerPage:
        """Read an account's chain in order, or the broker's own where no account is named."""
        return self._ask("GET", ("ledger",), answer=contract.ledger.LedgerPage, query=query)

    def export_ledger(
        self, query: contract.ledger.ExportQuery
    ) -> AbstractContextManager[Iterator[bytes]]:
        """Take a chain along as JSON Lines: entries, the keys that signed, checkpoints, and an end.

        A file without the end broke off. `broker ledger verify` checks it with nothing of ours.
        """
        return self._pieces(("ledger", "export"), query=query)

    def sign_ledger(self, body: contract.ledger.CheckpointBody) -> contract.ledger.CheckpointAnswer:
        """Sign the head of an account's chain now, with the account's own key."""
        return self._ask(
            "POST", ("ledger", "checkpoint"), answer=contract.ledger.CheckpointAnswer, body=body
        )
