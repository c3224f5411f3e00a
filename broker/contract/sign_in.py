"""The model of `/v1/sign-in`."""

from __future__ import annotations

from pydantic import Field

from broker.contract.base import Answer
from broker.domain.identity.openid_provider import TerminalClient


class SignInAnswer(Answer):
    """Where people sign in from a terminal, and as which client. No secrets."""

    issuer: str = Field(description="The organisation's OpenID provider.")
    client_id: str = Field(description="The public client whose ID tokens are taken as bearers.")
    scope: str = Field(description="What to ask of the provider.")

    @classmethod
    def of(cls, client: TerminalClient) -> SignInAnswer:
        """The answer about `client`."""
        return cls(issuer=client.issuer, client_id=client.client_id, scope=client.scope)
