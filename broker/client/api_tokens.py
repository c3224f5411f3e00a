"""API tokens of services."""

from __future__ import annotations

from broker import contract
from broker.client.connection import Connection


class ApiTokens(Connection):
    """API tokens of services."""

    def create_api_token(
        self, body: contract.api_tokens.ApiTokenBody
    ) -> contract.api_tokens.CreatedApiTokenAnswer:
        """Make an API token; its secret is in the answer, once."""
        return self._ask(
            "POST", ("tokens",), answer=contract.api_tokens.CreatedApiTokenAnswer, body=body
        )

    def list_api_tokens(self, query: contract.base.ListQuery) -> contract.api_tokens.ApiTokenPage:
        """List API tokens, without their secrets."""
        return self._ask("GET", ("tokens",), answer=contract.api_tokens.ApiTokenPage, query=query)

    def revoke_api_token(self, token_id: str) -> None:
        """End an API token at once."""
        self._tell("DELETE", ("tokens", token_id))
