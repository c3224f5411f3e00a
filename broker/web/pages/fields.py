"""What several forms ask for."""

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
from broker.domain.sessions import Length, SessionRequest
from broker.web.pages.site import Form

_USUAL = timedelta(hours=1)


def _words(value: object) -> object:
    """The words of a field in which people write several names, with spaces or commas between."""
    return re.findall(r"[^\s,]+", value) if isinstance(value, str) else value


def _unless_empty(value: object) -> object:
    return None if value == "" else value


Minutes = Annotated[Annotated[int, Field(ge=15, le=10_000)] | None, BeforeValidator(_unless_empty)]
ChosenRegion = Annotated[Region | None, BeforeValidator(_unless_empty)]
ChosenService = Annotated[ServiceName | None, BeforeValidator(_unless_empty)]


class SessionForm(Form):
    """A session to open. What is left empty is the broker's to choose."""

    account_id: AccountId
    ticket: TicketId
    access: Access = Access.READ
    reason: LongText = ""
    minutes: Minutes = None
    services: Annotated[tuple[ServiceName, ...], BeforeValidator(_words)] = ()
    grant_id: Annotated[GrantId | None, BeforeValidator(_unless_empty)] = None
    region: ChosenRegion = None
    destination: ChosenService = None

    @model_validator(mode="after")
    def _fits_a_session_policy(self) -> Self:
        session_policy(self.services)
        return self

    def request(self, *, engineer: EngineerId) -> SessionRequest:
        """What is asked for, for `engineer`."""
        given = self.minutes is not None
        return SessionRequest(
            account_id=self.account_id,
            ticket_id=self.ticket,
            engineer=engineer,
            reason=self.reason,
            access=self.access,
            duration=timedelta(minutes=self.minutes) if self.minutes is not None else _USUAL,
            length=Length.EXACT if given else Length.AT_MOST,
            services=tuple(sorted(set(self.services))),
            grant_id=self.grant_id,
        )

    def console_page(self) -> ConsolePage:
        """Where in the console it begins."""
        return ConsolePage(service=self.destination, region=self.region)
