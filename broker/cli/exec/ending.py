"""Whether the access behind a session still stands, and what ended it where it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from broker.client.broker import Broker
from broker.client.errors import ClientError, ProblemAnswered
from broker.contract.sessions import OpenedSessionAnswer, SessionAnswer, SessionBody
from broker.domain.accounts import Consent
from broker.domain.grants import GrantState
from broker.domain.plain_text import plain
from broker.domain.tickets import TicketStatus

SESSION_REVOKED = "session_revoked"
_TOO_LONG = "duration_too_long"


class AccessEnded(Exception):
    """There is no access any more; the sentence says why."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.message = plain(message)
        self.code = code


class Sessions(Protocol):
    """What is asked of the broker while COMMAND runs."""

    def open(self) -> OpenedSessionAnswer:
        """Another session. Raises ClientError."""
        ...

    def require_standing(self, session: SessionAnswer) -> None:
        """Raises AccessEnded where it was revoked, ClientError where nobody knows."""
        ...


@dataclass(frozen=True, slots=True)
class BrokerSessions:
    """The same, of a real broker; each question is asked as whoever is signed in by then."""

    broker: Callable[[], Broker]
    body: SessionBody

    def open(self) -> OpenedSessionAnswer:
        """See `Sessions`; shorter than was asked for, where the grant ends before that."""
        with self.broker() as broker:
            try:
                return broker.open_session(self.body)
            except ProblemAnswered as e:
                if e.code != _TOO_LONG or self.body.duration_seconds is None:
                    raise
            return broker.open_session(_of_any_length(self.body))

    def require_standing(self, session: SessionAnswer) -> None:
        """See `Sessions`."""
        with self.broker() as broker:
            if broker.show_session(session.id).revoked_at is not None:
                raise _why(session, broker)


def _of_any_length(body: SessionBody) -> SessionBody:
    given = {name: getattr(body, name) for name in body.model_fields_set - {"duration_seconds"}}
    return SessionBody(**given)


def _why(session: SessionAnswer, broker: Broker) -> AccessEnded:
    """What ended the session: the ticket, the grant, the consent, or somebody just it."""
    for cause in (_ticket, _grant, _consent):
        try:
            ended = cause(session, broker)
        except ClientError:
            # What cannot be seen any more is not the cause that we could name.
            continue
        if ended is not None:
            return ended
    return AccessEnded(f"Session {session.id} was revoked.", code=SESSION_REVOKED)


def _ticket(session: SessionAnswer, broker: Broker) -> AccessEnded | None:
    ticket = broker.show_ticket(session.ticket)
    if ticket.status is TicketStatus.CLOSED:
        return AccessEnded(f"Ticket {ticket.id} was closed.", code="ticket_closed")
    if session.account_id not in ticket.account_ids:
        return AccessEnded(
            f"Ticket {ticket.id} is no longer for account {session.account_id}.",
            code="ticket_not_for_account",
        )
    return None


def _grant(session: SessionAnswer, broker: Broker) -> AccessEnded | None:
    grant = broker.show_grant(session.grant_id)
    if grant.state is GrantState.APPROVED:
        return None
    why = f' "{grant.decision_reason}"' if grant.decision_reason else ""
    return AccessEnded(
        f"Grant {grant.id} is {grant.state.value}.{why}", code=f"grant_{grant.state.value}"
    )


def _consent(session: SessionAnswer, broker: Broker) -> AccessEnded | None:
    if broker.show_account(session.account_id).consent is Consent.OFF:
        return AccessEnded(
            "The customer has switched support access off for this account.", code="consent_off"
        )
    return None
