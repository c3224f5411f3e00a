"""`/v1/sign-in`: where people sign in from a terminal. Whoever asks is not known yet."""

from __future__ import annotations

from broker.contract.sign_in import SignInAnswer
from broker.errors import NotFound
from broker.web.endpoints import Access, Api
from broker.wiring import Services

api = Api("sign-in", access=Access.PUBLIC)


@api.endpoint("GET", "/v1/sign-in", answer=SignInAnswer)
def show_sign_in(services: Services) -> SignInAnswer:
    """Show where people sign in from a terminal."""
    if services.terminal_client is None:
        raise NotFound(
            "Nobody signs in here from a terminal. Use an API token (BROKER_TOKEN), or ask whoever "
            "runs the broker to set BROKER_OIDC_CLI_CLIENT_ID.",
            code="sign_in_not_configured",
        )
    return SignInAnswer.of(services.terminal_client)
