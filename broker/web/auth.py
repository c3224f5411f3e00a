"""Who is calling: a bearer's API token, and the request's id and source address."""

from __future__ import annotations

from flask import g, request

from broker.errors import Unauthenticated
from broker.services.api_tokens import ApiTokens
from broker.services.calls import Call


def authenticate(api_tokens: ApiTokens) -> Call:
    """The call being made. Raises Unauthenticated where nobody says who is calling."""
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not credential:
        raise Unauthenticated("Say who you are: send `Authorization: Bearer <API token>`.")
    return Call(
        caller=api_tokens.authenticate(credential.strip()),
        request_id=g.request_id,
        source_address=request.remote_addr or "unknown",
    )
