"""What a session did, from the customer's own trail."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from broker.domain.accounts import Account
from broker.domain.identifiers import SessionId, TicketId
from broker.domain.identity.permissions import Action
from broker.domain.ledger.entries import LedgerAction
from broker.domain.ports import AccountRepository, SessionRepository, Trail
from broker.domain.sessions import Credentials, Session
from broker.domain.trail.events import DELAY, LookupKey, TrailEvent, TrailPart, TrailQuery, Unseen
from broker.domain.trail.regions import TrailRegions
from broker.errors import FieldProblem, InvalidRequest, UpstreamRejected
from broker.services.ambient import Clock
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.registered import registered, session_for
from broker.services.trail.visits import Brought, Purpose, TrailVisits

TICKET = TicketId("activity")
"""What stands in the place of a ticket in the broker's own session."""

_LARGEST_PART = 50
_LOOK_UPS = 40
"""Requests to AWS for one answer: at two a second and Region, some of which are empty."""

_CLOCKS_DIFFER = timedelta(minutes=1)
"""AWS's clock and ours; nobody else has the name of the session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityWindow:
    """Which part of a session's activity is asked for; `regions` are those beyond the usual."""

    regions: tuple[str, ...] = ()
    limit: int = _LARGEST_PART
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """A part of what a session did, Region by Region, in each the newest first.

    `regions` are those that this part looked at, `unseen` those that could not be. `complete`
    says that this is the last part and that the trail has nothing to add any more.
    """

    events: tuple[TrailEvent, ...]
    regions: tuple[str, ...]
    unseen: tuple[tuple[str, Unseen], ...]
    next: str | None
    complete: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """Where to go on: in the first of `regions`, behind `token` of AWS's if there is one."""

    regions: tuple[str, ...]
    token: str | None = None

    def encoded(self) -> str | None:
        """As the cursor of an answer; None where there is nothing more to look at."""
        if not self.regions:
            return None
        text = json.dumps([*self.regions, self.token], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode("utf-8")).decode("ascii").rstrip("=")

    def after_region(self) -> _Place:
        return _Place(self.regions[1:])


@dataclass(slots=True)
class _Gathered:
    """What the look-ups for one answer have found so far."""

    place: _Place
    events: list[TrailEvent] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)
    unseen: list[tuple[str, Unseen]] = field(default_factory=list)

    def take(self, part: TrailPart | Unseen) -> None:
        region = self.place.regions[0]
        if isinstance(part, Unseen):
            self.unseen.append((region, part))
            self.place = self.place.after_region()
            return
        if region not in self.regions:
            self.regions.append(region)
        self.events.extend(part.events)
        ended = part.next is None
        self.place = self.place.after_region() if ended else replace(self.place, token=part.next)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadActivity:
    """Reads the trail of one session, by the name that it has there."""

    accounts: AccountRepository
    sessions: SessionRepository
    gate: Gate
    visits: TrailVisits
    trail: Trail
    regions: TrailRegions
    clock: Clock

    def __call__(self, session_id: SessionId, window: ActivityWindow, call: Call) -> Activity:
        """A part of the session's events.

        Raises AccessDenied, NotFound, InvalidRequest for a Region or a cursor that is none, and
        what `TrailVisits.visit` raises.
        """
        self.gate.require_role(call, Action.READ_ACTIVITY)
        place = self._place(window)
        session, account = self._found(session_id, call)
        purpose = Purpose(
            action=LedgerAction.ACTIVITY_READ,
            ticket_id=TICKET,
            ids={"session": session_id, "ticket": session.ticket_id},
            details={"engineer": session.engineer},
        )

        def look(credentials: Credentials) -> Brought[Activity]:
            return self._brought(self._gathered(session, window, place, credentials), session)

        return self.visits.visit(account, purpose, call, look)

    def _found(self, session_id: SessionId, call: Call) -> tuple[Session, Account]:
        session = session_for(self.sessions, session_id, call, Action.READ_ACTIVITY).record
        return session, registered(self.accounts, session.account_id).record

    def _place(self, window: ActivityWindow) -> _Place:
        try:
            usual = self.regions.usual(window.regions)
        except ValueError as e:
            raise InvalidRequest(
                f"The partition {e}.", problems=[FieldProblem("region", f"{e}")]
            ) from e
        if window.cursor is None:
            return _Place(usual)
        return _decoded(window.cursor, known=self.regions.every())

    def _gathered(
        self, session: Session, window: ActivityWindow, place: _Place, credentials: Credentials
    ) -> _Gathered:
        """Look-ups until the answer is full, all Regions are seen, or it has taken too many."""
        size = min(window.limit, _LARGEST_PART)
        query = TrailQuery(
            key=LookupKey.USER_NAME,
            value=session.role_session_name,
            since=session.issued_at - _CLOCKS_DIFFER,
            until=session.expires_at + _CLOCKS_DIFFER,
        )
        gathered = _Gathered(place)
        for _ in range(_LOOK_UPS):
            if not gathered.place.regions or len(gathered.events) + size > window.limit:
                break
            gathered.take(
                self.trail.look_up(
                    query,
                    account_id=session.account_id,
                    credentials=credentials,
                    region=gathered.place.regions[0],
                    limit=size,
                    cursor=gathered.place.token,
                )
            )
        return gathered

    def _brought(self, gathered: _Gathered, session: Session) -> Brought[Activity]:
        refused = [region for region, why in gathered.unseen if why is Unseen.REFUSED]
        if refused and not gathered.regions:
            raise UpstreamRejected(
                "The account does not let its read role look at the trail. A policy of the "
                "customer's organisation may forbid it."
            )
        settled = self.clock() >= session.expires_at + DELAY
        cursor = gathered.place.encoded()
        activity = Activity(
            events=tuple(gathered.events),
            regions=tuple(gathered.regions),
            unseen=tuple(gathered.unseen),
            next=cursor,
            complete=cursor is None and settled and not refused,
        )
        return Brought(
            found=activity,
            details={
                "events": len(activity.events),
                "marked": sum(event.marked for event in activity.events),
                "regions": list(activity.regions),
            },
        )


def _decoded(cursor: str, *, known: Iterable[str]) -> _Place:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars="-_", validate=True)
        *regions, token = json.loads(text)
    except (binascii.Error, ValueError, TypeError, RecursionError) as e:
        raise _bad_cursor() from e
    well_formed = bool(regions) and set(map(str, regions)) <= set(known)
    if not well_formed or not isinstance(token, str | None):
        raise _bad_cursor()
    return _Place(tuple(regions), token)


def _bad_cursor() -> InvalidRequest:
    return InvalidRequest(
        "The cursor is not one of this list. Begin again without it.",
        problems=[FieldProblem("cursor", "must be the `next` of an earlier answer")],
    )
