"""`/v1/tokens`: API tokens of services."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from broker.contract.api_tokens import (
    ApiTokenAnswer,
    ApiTokenBody,
    ApiTokenPage,
    CreatedApiTokenAnswer,
)
from broker.contract.base import ListQuery
from broker.domain.identity.api_tokens import TOKEN_ID
from broker.services.calls import Call
from broker.services.identity.api_tokens import NewApiToken
from broker.services.reading import Window
from broker.web.endpoints import Api, Reply
from broker.web.idempotency import Repeats
from broker.wiring import Services

api = Api("tokens")

ApiTokenId = Annotated[str, StringConstraints(pattern=f"^{TOKEN_ID.pattern}$")]


@api.endpoint(
    "POST",
    "/v1/tokens",
    body=ApiTokenBody,
    answer=CreatedApiTokenAnswer,
    status=201,
    repeats=Repeats.REFUSED,
)
def create_api_token(services: Services, call: Call, body: ApiTokenBody) -> CreatedApiTokenAnswer:
    """Make an API token; its secret is in the answer, once."""
    token, secret = services.api_tokens.create(
        NewApiToken(
            subject=body.subject,
            roles=body.roles,
            account_ids=body.account_ids,
            expires_at=body.expires_at,
        ),
        call,
    )
    return CreatedApiTokenAnswer(**ApiTokenAnswer.of(token).model_dump(), secret=secret)


@api.endpoint("GET", "/v1/tokens", query=ListQuery, answer=ApiTokenPage)
def list_api_tokens(services: Services, call: Call, query: ListQuery) -> ApiTokenPage:
    """List API tokens, without their secrets."""
    page = services.reading.api_token_page(Window(query.limit, query.cursor), call)
    items = [ApiTokenAnswer.of(used.token, used.last_used_at) for used in page.items]
    return ApiTokenPage(items=items, next=page.next)


@api.endpoint("DELETE", "/v1/tokens/<token_id>", answer=None, status=204)
def revoke_api_token(services: Services, call: Call, token_id: ApiTokenId) -> Reply:
    """End an API token at once."""
    services.api_tokens.revoke(token_id, call)
    return Reply(None)
