"""The AWS console."""

from __future__ import annotations

from broker import contract
from broker.client.connection import Connection
from broker.domain.identifiers import SessionId


class Console(Connection):
    """The AWS console."""

    def make_console_url(
        self, session_id: SessionId, body: contract.console.ConsoleUrlBody
    ) -> contract.console.ConsoleUrlAnswer:
        """Make a URL that signs in to the AWS console, once, within fifteen minutes."""
        return self._ask(
            "POST",
            ("sessions", session_id, "console-url"),
            answer=contract.console.ConsoleUrlAnswer,
            body=body,
        )

    def open_console(
        self, body: contract.console.ConsoleSessionBody
    ) -> contract.console.ConsoleSessionAnswer:
        """Open a session for a ticket; the answer is a way into the console, not credentials."""
        return self._ask(
            "POST", ("console-url",), answer=contract.console.ConsoleSessionAnswer, body=body
        )
