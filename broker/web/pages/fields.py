"""What several forms and lists ask for."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from broker.contract.base import LongText
from broker.contract.console import Region
from broker.domain.console import ConsolePage
from broker.domain.grants import Access
from broker.domain.iam_documents import session_policy
from broker.domain.identifiers import AccountId, EngineerId, GrantId, ServiceName, TicketId
from broker.domain.sessions import USUAL, Length, SessionRequest
from broker.web.pages.site import Form, Query


def _words(value: object) -> object:
    """The words of a field in which people write several names, with spaces or commas between."""
    return re.findall(r"[^\s,]+", value) if isinstance(value, str) else value


def _unless_empty(value: object) -> object:
    return None if value == "" else value


EMPTY_IS_NONE = BeforeValidator(_unless_empty)
"""For a field that a form sends though nobody has filled it in."""

Minutes = Annotated[Annotated[int, Field(ge=15, le=10_000)] | None, EMPTY_IS_NONE]


class ListQuery(Query):
    """A part of a list; what a list can be filtered by, it adds."""

    cursor: Annotated[str, Field(max_length=200)] | None = None

    @property
    def filters(self) -> dict[str, str]:
        """What is filtered by, as the query of the next part."""
        given = self.model_dump(exclude={"cursor"}, exclude_none=True)
        return {name: str(value) for name, value in given.items()}


class AccessForm(Form):
    """Access to an account, for a ticket and a time. What is left empty is the broker's choice."""

    account_id: AccountId
    ticket: TicketId
    access: Access = Access.READ
    reason: LongText = ""
    minutes: Minutes = None

    @property
    def duration(self) -> timedelta:
        """What is asked for: an hour, where nobody says otherwise."""
        return USUAL if self.minutes is None else timedelta(minutes=self.minutes)


class ConsoleForm(Form):
    """Where in the AWS console somebody begins."""

    destination: Annotated[ServiceName | None, EMPTY_IS_NONE] = None
    region: Annotated[Region | None, EMPTY_IS_NONE] = None

    def console_page(self) -> ConsolePage:
        """The page of the console."""
        return ConsolePage(service=self.destination, region=self.region)


class SessionForm(AccessForm, ConsoleForm):
    """A session to open."""

    services: Annotated[tuple[ServiceName, ...], BeforeValidator(_words)] = ()
    grant_id: Annotated[GrantId | None, EMPTY_IS_NONE] = None

    @model_validator(mode="after")
    def _fits_a_session_policy(self) -> Self:
        session_policy(self.services)
        return self

    def request(self, *, engineer: EngineerId) -> SessionRequest:
        """What is asked for, for `engineer`."""
        return SessionRequest(
            account_id=self.account_id,
            ticket_id=self.ticket,
            engineer=engineer,
            reason=self.reason,
            access=self.access,
            duration=self.duration,
            length=Length.AT_MOST if self.minutes is None else Length.EXACT,
            services=tuple(sorted(set(self.services))),
            grant_id=self.grant_id,
        )
