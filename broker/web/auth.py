"""Who is calling: the credential that a request presents, and where the request comes from."""

from __future__ import annotations

from flask import g, request

from broker.domain import api_tokens
from broker.errors import Unauthenticated
from broker.services.authentication import Authentication, CredentialKind, Origin, Presented
from broker.services.calls import Call


def authenticate(authentication: Authentication) -> Call:
    """The call being made.

    Raises Unauthenticated where nobody says who is calling, and like `Authentication`.
    """
    return authentication(_presented(), origin())


def origin() -> Origin:
    """Where the request comes from."""
    return Origin(request_id=g.request_id, source_address=request.remote_addr or "unknown")


def _presented() -> Presented:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    credential = text.strip()
    if scheme.lower() != "bearer" or not credential:
        raise Unauthenticated("Say who you are: send `Authorization: Bearer <API token>`.")
    ours = credential.startswith(f"{api_tokens.PREFIX}_")
    kind = CredentialKind.API_TOKEN if ours else CredentialKind.IDENTITY_TOKEN
    return Presented(kind, credential)
