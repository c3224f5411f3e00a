"""The main job, and the record of it."""

from __future__ import annotations

from broker import contract
from broker.client.connection import Connection
from broker.domain.identifiers import SessionId


class Sessions(Connection):
    """The main job, and the record of it."""

    def open_session(
        self, body: contract.sessions.SessionBody
    ) -> contract.sessions.OpenedSessionAnswer:
        """Open a session for a ticket: the answer holds credentials, once."""
        return self._ask(
            "POST", ("sessions",), answer=contract.sessions.OpenedSessionAnswer, body=body
        )

    def list_sessions(self, query: contract.base.AccountListQuery) -> contract.sessions.SessionPage:
        """List the sessions that the caller may see, newest first."""
        return self._ask("GET", ("sessions",), answer=contract.sessions.SessionPage, query=query)

    def show_session(self, session_id: SessionId) -> contract.sessions.SessionAnswer:
        """Show one session, without its credentials."""
        return self._ask("GET", ("sessions", session_id), answer=contract.sessions.SessionAnswer)

    def revoke_session(self, session_id: SessionId) -> contract.sessions.SessionAnswer:
        """End a session at once: its Deny stands in the account when this is answered."""
        return self._ask("DELETE", ("sessions", session_id), answer=contract.sessions.SessionAnswer)
