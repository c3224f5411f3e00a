"""`/v1/sessions`: the main job, and the record of it."""

from __future__ import annotations

from broker.contract.base import AccountListQuery
from broker.contract.sessions import (
    CredentialsAnswer,
    OpenedSessionAnswer,
    SessionAnswer,
    SessionBody,
    SessionPage,
)
from broker.domain.identifiers import SessionId
from broker.services.calls import Call
from broker.services.reading import Window
from broker.web.endpoints import Api
from broker.web.idempotency import Repeats
from broker.web.on_behalf_of import engineer_of
from broker.wiring import Services

api = Api("sessions")


@api.endpoint(
    "POST",
    "/v1/sessions",
    body=SessionBody,
    answer=OpenedSessionAnswer,
    status=201,
    repeats=Repeats.REFUSED,
)
def open_session(services: Services, call: Call, body: SessionBody) -> OpenedSessionAnswer:
    """Open a session for a ticket: the answer holds credentials, once."""
    request = body.request(engineer=engineer_of(call, body.on_behalf_of))
    opened = services.open_session(request, call)
    return OpenedSessionAnswer(
        session=SessionAnswer.of(opened.session),
        credentials=CredentialsAnswer.of(opened.credentials),
    )


@api.endpoint("GET", "/v1/sessions", query=AccountListQuery, answer=SessionPage)
def list_sessions(services: Services, call: Call, query: AccountListQuery) -> SessionPage:
    """List the sessions that the caller may see, newest first."""
    window = Window(query.limit, query.cursor)
    page = services.reading.session_page(window, call, account_id=query.account_id)
    return SessionPage(items=[SessionAnswer.of(session) for session in page.items], next=page.next)


@api.endpoint("GET", "/v1/sessions/<session_id>", answer=SessionAnswer)
def show_session(services: Services, call: Call, session_id: SessionId) -> SessionAnswer:
    """Show one session, without its credentials."""
    return SessionAnswer.of(services.reading.session(session_id, call))


@api.endpoint("DELETE", "/v1/sessions/<session_id>", answer=SessionAnswer, status=202)
def revoke_session(services: Services, call: Call, session_id: SessionId) -> SessionAnswer:
    """End a session at once: its Deny stands in the account when this is answered."""
    return SessionAnswer.of(services.revoking.session(session_id, call))
