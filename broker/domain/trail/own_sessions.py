"""The sessions that the broker opens for itself, and how the ledger names them.

The customer's trail shows them beside those of engineers. So that each can be told from a session
that somebody made behind the broker's back, its entries carry its id and name, and the ids of the
access keys that AWS gave out for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broker.domain.identifiers import EngineerId, SessionId, TicketId
from broker.domain.sessions import role_session_name

OWN_SESSION = "own_session"
"""Under `ids` of an entry: the id of a session of the broker's own."""

OWN_SESSION_NAME, OWN_ACCESS_KEYS = "own_session_name", "own_access_keys"
"""Under `details` of the same entry: its role session name, and the access keys that it got."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSession:
    """As what the broker itself enters an account: source identity, ticket tag, session tag."""

    engineer: EngineerId
    ticket_id: TicketId
    session_id: SessionId

    @property
    def role_session_name(self) -> str:
        """The name under which the customer's trail has what it does."""
        return role_session_name(self.engineer, self.ticket_id, self.session_id)

    @property
    def ids(self) -> Mapping[str, str]:
        """What each entry about it has among its ids."""
        return {OWN_SESSION: self.session_id}

    def details(self, access_key_ids: Sequence[str] = ()) -> Mapping[str, str | list[str]]:
        """What each entry about it has among its details; an id of a key is no secret."""
        keys = {OWN_ACCESS_KEYS: list(access_key_ids)} if access_key_ids else {}
        return {OWN_SESSION_NAME: self.role_session_name, **keys}
