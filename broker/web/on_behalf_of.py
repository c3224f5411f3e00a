"""For whom something is asked: the caller, or whom a console names."""

from __future__ import annotations

from broker.domain.identifiers import EngineerId
from broker.domain.identity.permissions import Role
from broker.errors import FieldProblem, InvalidRequest
from broker.services.calls import Call


def engineer_of(call: Call, on_behalf_of: EngineerId | None) -> EngineerId:
    """Whom it is for; whether the caller may ask for them is decided elsewhere.

    Raises InvalidRequest where a console names nobody.
    """
    if on_behalf_of is not None:
        return on_behalf_of
    if call.caller.roles == {Role.CONSOLE}:
        raise InvalidRequest(
            "A console asks for engineers: name one in `on_behalf_of`.",
            problems=[FieldProblem("on_behalf_of", "is required of a console")],
        )
    return EngineerId(call.caller.subject)
