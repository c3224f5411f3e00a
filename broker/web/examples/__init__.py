"""An example of everything that the API takes and gives, as values of the contract's own models.

An operation's example is that of its model, unless the operation has one of its own. Whoever adds
a model adds its example to `EXAMPLES` of the module that it belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from broker.web.endpoints import Endpoint
from broker.web.examples import access, accounts, callers, evidence, world

_OF_MODEL: Mapping[type[BaseModel], BaseModel] = {
    type(example): example
    for module in (accounts, access, evidence, callers)
    for example in module.EXAMPLES
}

_BODIES: Mapping[str, BaseModel] = {
    "deny_grant": access.DENIAL,
    "revoke_grant": access.END,
}
"""Bodies of operations that share a model with others and mean something else by it."""

_ANSWERS: Mapping[str, BaseModel | str] = {
    "register_account": accounts.JUST_REGISTERED,
    "change_account": accounts.SWITCHED_OFF,
    "remove_account": accounts.REMOVING,
    "request_grant": access.REQUESTED,
    "deny_grant": access.DENIED,
    "revoke_grant": access.ENDED,
    "revoke_session": access.REVOKED,
    "export_ledger": evidence.EXPORTED,
}
"""Answers of such operations, and those that no model describes."""

_IN_PATHS: Mapping[str, str] = {
    "account_id": world.ACCOUNT,
    "ticket_id": world.TICKET,
    "grant_id": world.GRANT,
    "session_id": world.SESSION,
    "token_id": world.API_TOKEN_ID,
}


def body_of(endpoint: Endpoint) -> BaseModel | None:
    """A body that the operation takes; None where it takes none, or nobody thought of one."""
    if endpoint.body is None:
        return None
    return _BODIES.get(endpoint.name) or _OF_MODEL.get(endpoint.body)


def query_of(endpoint: Endpoint) -> BaseModel | None:
    """A query worth showing; None where an operation is understood without."""
    return _OF_MODEL.get(endpoint.query)


def answer_of(endpoint: Endpoint) -> BaseModel | str | None:
    """What the operation answers, text where it is streamed; None where it answers nothing."""
    own = _ANSWERS.get(endpoint.name)
    if own is not None or endpoint.answer is None:
        return own
    return _OF_MODEL.get(endpoint.answer)


def path_of(endpoint: Endpoint) -> Mapping[str, str]:
    """What stands in the operation's address."""
    return {name: _IN_PATHS[name] for name in endpoint.path_parameters if name in _IN_PATHS}
