"""The HTTP API, one module a subject; a view parses nothing, calls one service and renders."""

from broker.web.api import (
    accounts,
    api_tokens,
    console,
    diagnoses,
    grants,
    ledger,
    me,
    revocations,
    sessions,
    sign_in,
    tickets,
    trails,
)

APIS = (
    accounts.api,
    diagnoses.api,
    tickets.api,
    grants.api,
    sessions.api,
    console.api,
    revocations.api,
    ledger.api,
    trails.api,
    api_tokens.api,
    me.api,
)
"""All of it, in the order in which OpenAPI lists it."""

PUBLIC_APIS = (sign_in.api,)
"""What may be asked by those whom nobody knows yet."""
