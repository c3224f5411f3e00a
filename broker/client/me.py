"""Who is calling."""

from __future__ import annotations

from broker import contract
from broker.client.connection import Connection


class Me(Connection):
    """Who is calling."""

    def show_self(self) -> contract.me.SelfAnswer:
        """Show who is calling and what the caller's roles may do."""
        return self._ask("GET", ("me",), answer=contract.me.SelfAnswer)
