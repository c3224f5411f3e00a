"""What is asked of the organisation's own systems: tickets, and its OpenID provider."""

from __future__ import annotations

from typing import Protocol

from broker.domain.identifiers import TicketId
from broker.domain.identity.browser_sessions import BrowserSecret
from broker.domain.identity.openid_provider import ProviderKey
from broker.domain.ports.journal import Versioned
from broker.domain.tickets import Ticket


class TicketSource(Protocol):
    """Where tickets come from, if not from the console."""

    def find(self, ticket_id: TicketId) -> Ticket | None:
        """The ticket as it is at its source now, or None where there is none of this id.

        Raises DependencyUnavailable (`ticket_source_unavailable`) where that cannot be known.
        """
        ...


class CurrentTickets(Protocol):
    """Tickets as access is decided on."""

    def get(self, ticket_id: TicketId) -> Versioned[Ticket] | None:
        """The ticket as it was at its source some seconds ago at most; None where there is none.

        What somebody has written down of it since then counts at once. Raises
        DependencyUnavailable (`ticket_source_unavailable`) where nobody knows how it is.
        """
        ...


class ProviderKeys(Protocol):
    """The keys that the organisation's OpenID provider signs with."""

    def key(self, kid: str) -> ProviderKey | None:
        """The key of that id, or None where the provider publishes none.

        Raises DependencyUnavailable (`sign_in_unavailable`).
        """
        ...


class CodeFlow(Protocol):
    """The authorization code flow (RFC 6749, section 4.1) with PKCE, as the provider's client."""

    def authorization_url(self, secret: BrowserSecret) -> str:
        """Where the browser goes to sign in. Raises DependencyUnavailable."""
        ...

    def redeem(self, code: str, secret: BrowserSecret) -> str:
        """The identity token for a code; nothing has been checked of it.

        Raises CodeRefused, and DependencyUnavailable (`sign_in_unavailable`).
        """
        ...

    def names_issuer(self, presented: str | None) -> bool:
        """Whether a callback comes from the provider that it was sent to (RFC 9207)."""
        ...
