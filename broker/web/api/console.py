"""The AWS console: for a session that is open, or together with opening one."""

from __future__ import annotations

from broker.contract.console import (
    ConsoleSessionAnswer,
    ConsoleSessionBody,
    ConsoleUrlAnswer,
    ConsoleUrlBody,
)
from broker.domain.identifiers import SessionId
from broker.services.calls import Call
from broker.web.endpoints import Api
from broker.web.idempotency import Repeats
from broker.web.on_behalf_of import engineer_of
from broker.wiring import Services

api = Api("console")


@api.endpoint(
    "POST",
    "/v1/sessions/<session_id>/console-url",
    body=ConsoleUrlBody,
    answer=ConsoleUrlAnswer,
    repeats=Repeats.REFUSED,
)
def make_console_url(
    services: Services, call: Call, session_id: SessionId, body: ConsoleUrlBody
) -> ConsoleUrlAnswer:
    """Make a URL that signs in to the AWS console as a session, once, within fifteen minutes."""
    made = services.console.of_session(session_id, body.credentials.keys(), body.page(), call)
    return ConsoleUrlAnswer.of(made)


@api.endpoint(
    "POST",
    "/v1/console-url",
    body=ConsoleSessionBody,
    answer=ConsoleSessionAnswer,
    status=201,
    repeats=Repeats.REFUSED,
)
def open_console(services: Services, call: Call, body: ConsoleSessionBody) -> ConsoleSessionAnswer:
    """Open a session for a ticket; the answer is a way into the console, not credentials."""
    request = body.request(engineer=engineer_of(call, body.on_behalf_of))
    return ConsoleSessionAnswer.of_session(services.console.opened(request, body.page(), call))
