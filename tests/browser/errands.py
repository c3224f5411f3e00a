"""What finn, an engineer, and cleo, the customer whose account he works in, get done beforehand.

Over the API, so that a test in the browser begins where it has something to show.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.browser.office import Office
from tests.browser.people import MILL, subject
from tests.e2e.world import Person

CUSTOMER = "Mill and Company"
WHY = "See why the mill stands still"


@dataclass(frozen=True, kw_only=True)
class Errands:
    """Both of them at the API; each ticket is a new one."""

    office: Office
    finn: Person
    cleo: Person
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(999, -1))
    """Downwards: lists are in the order of ids, so the newest ticket is on their first part."""

    @classmethod
    def of(cls, office: Office) -> Errands:
        """In a standing office whose exhibits are arranged."""
        return cls(
            office=office,
            finn=office.callers.person(subject("finn"), "engineer"),
            cleo=office.callers.person(subject("cleo"), "customer", account_ids=[MILL]),
        )

    def ticket(self, *, consent: str) -> str:
        """A new ticket of finn's, for the account whose customer has given this consent."""
        self.cleo.ask("PATCH", f"/v1/accounts/{MILL}", {"consent": consent})
        return self.office.ticket(
            f"T-0{next(self.numbers)}",
            MILL,
            subject="The mill stands still",
            assignees=[subject("finn")],
        )

    def requested(self) -> str:
        """A request that waits for cleo."""
        ticket = self.ticket(consent="per_grant")
        asked = self.finn.ask("POST", "/v1/grants", self._body(ticket))
        assert asked["state"] == "requested"
        return str(asked["id"])

    def link(self) -> str:
        """The path of an approval link for cleo."""
        path = f"/v1/grants/{self.requested()}/approval-link"
        made = self.office.console.ask("POST", path, {"approver": subject("cleo")})
        return str(made["url"]).removeprefix(self.office.url)

    def session(self) -> str:
        """A live session of finn's."""
        ticket = self.ticket(consent="standing")
        return str(self.finn.ask("POST", "/v1/sessions", self._body(ticket))["session"]["id"])

    def _body(self, ticket: str) -> Mapping[str, Any]:
        return {"account_id": MILL, "ticket": ticket, "reason": WHY}
