"""Asking for access, and deciding about it."""

from __future__ import annotations

from broker import contract
from broker.client.connection import Connection
from broker.domain.identifiers import GrantId


class Grants(Connection):
    """Asking for access, and deciding about it."""

    def request_grant(self, body: contract.grants.GrantBody) -> contract.grants.GrantAnswer:
        """Ask for a grant; while a request for the same waits, asking again gives that one."""
        return self._ask("POST", ("grants",), answer=contract.grants.GrantAnswer, body=body)

    def list_grants(self, query: contract.grants.GrantListQuery) -> contract.grants.GrantPage:
        """List the grants that the caller may see, newest first."""
        return self._ask("GET", ("grants",), answer=contract.grants.GrantPage, query=query)

    def show_grant(self, grant_id: GrantId) -> contract.grants.GrantAnswer:
        """Show one grant."""
        return self._ask("GET", ("grants", grant_id), answer=contract.grants.GrantAnswer)

    def approve_grant(
        self, grant_id: GrantId, body: contract.grants.DecisionBody
    ) -> contract.grants.GrantAnswer:
        """Approve a request of somebody else; the grant lasts from now."""
        return self._ask(
            "POST", ("grants", grant_id, "approval"), answer=contract.grants.GrantAnswer, body=body
        )

    def deny_grant(
        self, grant_id: GrantId, body: contract.grants.DecisionBody
    ) -> contract.grants.GrantAnswer:
        """Deny a request of somebody else."""
        return self._ask(
            "POST", ("grants", grant_id, "denial"), answer=contract.grants.GrantAnswer, body=body
        )

    def revoke_grant(
        self, grant_id: GrantId, body: contract.grants.DecisionBody
    ) -> contract.grants.GrantAnswer:
        """End a grant and the sessions under it, or withdraw a request."""
        return self._ask(
            "POST",
            ("grants", grant_id, "revocation"),
            answer=contract.grants.GrantAnswer,
            body=body,
        )

    def make_approval_link(
        self, grant_id: GrantId, body: contract.grants.ApprovalLinkBody
    ) -> contract.grants.ApprovalLinkAnswer:
        """Make a link through which one person decides, once, within fifteen minutes."""
        return self._ask(
            "POST",
            ("grants", grant_id, "approval-link"),
            answer=contract.grants.ApprovalLinkAnswer,
            body=body,
        )
