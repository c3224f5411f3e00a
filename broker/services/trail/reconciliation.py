"""The customer's trail against the ledger: is there a session that the broker knows nothing of?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from broker.domain.accounts import Account
from broker.domain.iam_documents import condition_prefix
from broker.domain.identifiers import AccountId, TicketId
from broker.domain.identity.permissions import Action
from broker.domain.ledger.entries import Detail, LedgerAction, Outcome, chain_of
from broker.domain.ports import AccountRepository, Journal, Trail
from broker.domain.role_plan import RolePolicy
from broker.domain.sessions import Credentials
from broker.domain.times import rfc3339
from broker.domain.trail.comparison import Ours, compare, known_sessions
from broker.domain.trail.events import (
    DELAY,
    EXCHANGE,
    KEPT,
    LookupKey,
    TrailEvent,
    TrailPart,
    TrailQuery,
    Unseen,
)
from broker.domain.trail.reconciliations import Reconciliation, RegionSeen, Sight, Verdict
from broker.domain.trail.regions import TrailRegions
from broker.errors import FieldProblem, InvalidRequest
from broker.services.ambient import Clock
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.ledger.by_time import entries_around
from broker.services.registered import registered
from broker.services.trail.visits import Brought, Purpose, TrailVisits

TICKET = TicketId("reconciliation")
"""What stands in the place of a ticket in the broker's own session."""

PATIENCE = timedelta(seconds=30)
"""How long one reconciliation reads the trail; what is left is named, and can be asked for."""

_PART = 50
_EDGE = timedelta(minutes=1)
"""By how much the ledger's and AWS's time of one exchange may differ."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From when to when; None is now. `regions` empty means every Region of the partition."""

    since: datetime
    until: datetime | None = None
    regions: tuple[str, ...] = ()


@dataclass(slots=True)
class _Harvest:
    """The exchanges of ours that were found, and how far each Region was read."""

    events: list[TrailEvent] = field(default_factory=list)
    regions: list[RegionSeen] = field(default_factory=list)

    def take(
        self, part: TrailPart | Unseen, *, region: str, ours: Ours, until: datetime
    ) -> RegionSeen:
        """Keep what is ours of a part; returns how much of the Region has been seen with it."""
        if isinstance(part, Unseen):
            return RegionSeen(region=region, sight=Sight(part.value))
        self.events.extend(event for event in part.events if ours.owns(event))
        if part.next is None:
            return RegionSeen(region=region, sight=Sight.WHOLE)
        back_to = part.events[-1].time if part.events else until
        return RegionSeen(region=region, sight=Sight.PART, back_to=back_to)

    def missable_since(self, region: str, *, since: datetime, until: datetime) -> datetime:
        """From when on `region` shows every session there was; never, where it was not seen."""
        seen = next((each for each in self.regions if each.region == region), None)
        if seen is None or seen.sight not in (Sight.WHOLE, Sight.PART):
            return until
        return seen.back_to or since


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileLedger:
    """Compares, and writes down what came of it."""

    journal: Journal
    accounts: AccountRepository
    gate: Gate
    visits: TrailVisits
    trail: Trail
    regions: TrailRegions
    policy: RolePolicy
    clock: Clock

    def __call__(self, account_id: AccountId, span: Span, call: Call) -> Reconciliation:
        """Set the trail's exchanges in `span` beside the account's chain.

        Raises AccessDenied, NotFound, InvalidRequest for a span or a Region that cannot be looked
        at, and what `TrailVisits.visit` raises.
        """
        self.gate.require(call, Action.RECONCILE_LEDGER, account_id=account_id)
        account = registered(self.accounts, account_id).record
        since, until = self._times(span)
        regions = self._regions(span)
        purpose = Purpose(
            action=LedgerAction.LEDGER_RECONCILED,
            ticket_id=TICKET,
            ids={"account": account_id},
            details={"from": rfc3339(since), "to": rfc3339(until)},
        )

        def look(credentials: Credentials) -> Brought[Reconciliation]:
            query = TrailQuery(key=LookupKey.EVENT_NAME, value=EXCHANGE, since=since, until=until)
            harvest = self._harvest(account, query, regions, credentials)
            return self._brought(account, harvest, since=since, until=until)

        return self.visits.visit(account, purpose, call, look)

    def _times(self, span: Span) -> tuple[datetime, datetime]:
        now = self.clock()
        until = min(span.until or now, now)
        if span.since >= until:
            raise _bad_span("`from` must be before `to`, and in the past")
        if span.since < now - KEPT:
            raise _bad_span(
                "`from` must be within the last 90 days, which are all that CloudTrail shows"
            )
        return span.since, until

    def _regions(self, span: Span) -> tuple[str, ...]:
        if not span.regions:
            return self.regions.every()
        try:
            return self.regions.usual(span.regions)
        except ValueError as e:
            raise InvalidRequest(
                f"The partition {e}.", problems=[FieldProblem("regions", f"{e}")]
            ) from e

    def _harvest(
        self,
        account: Account,
        query: TrailQuery,
        regions: tuple[str, ...],
        credentials: Credentials,
    ) -> _Harvest:
        """Every exchange of ours in every Region, as far as the time allows."""
        role_arns = f"arn:{account.partition}:iam::{account.account_id}:role/"
        ours = Ours(
            role_arns=role_arns + self.policy.role_names,
            issuer=condition_prefix(account.issuer),
        )
        harvest = _Harvest()
        deadline = self.clock() + PATIENCE
        for region in regions:
            for part in self._parts(account.account_id, query, region, credentials):
                seen = harvest.take(part, region=region, ours=ours, until=query.until)
                if seen.sight is not Sight.PART or self.clock() > deadline:
                    harvest.regions.append(seen)
                    break
        return harvest

    def _parts(
        self, account_id: AccountId, query: TrailQuery, region: str, credentials: Credentials
    ) -> Iterator[TrailPart | Unseen]:
        """One part after another, for as long as they are asked for."""
        cursor = None
        while True:
            part = self.trail.look_up(
                query,
                account_id=account_id,
                credentials=credentials,
                region=region,
                limit=_PART,
                cursor=cursor,
            )
            yield part
            if isinstance(part, TrailPart):
                cursor = part.next

    def _brought(
        self, account: Account, harvest: _Harvest, *, since: datetime, until: datetime
    ) -> Brought[Reconciliation]:
        settled_until = min(until, self.clock() - DELAY)
        # Read after the trail: what the broker does meanwhile is in the ledger before it is there.
        entries = entries_around(
            self.journal, chain_of(account.account_id), since=since, until=until
        )
        made = Reconciliation(
            account_id=account.account_id,
            since=since,
            until=until,
            settled_until=settled_until,
            regions=tuple(harvest.regions),
            comparison=compare(
                harvest.events,
                known_sessions(entries),
                since=_EDGE + harvest.missable_since(self.regions.own, since=since, until=until),
                until=settled_until - _EDGE,
            ),
        )
        _tell_of(made)
        agrees = made.verdict is Verdict.AGREES
        return Brought(
            found=made,
            outcome=Outcome.DONE if agrees else Outcome.FAILED,
            reason=made.verdict.value,
            details=_counts(made),
        )


def _counts(made: Reconciliation) -> Mapping[str, Detail]:
    found = made.comparison
    return {
        "matched": found.matched,
        "unfinished": len(found.unfinished),
        "unknown": len(found.unknown),
        "missing": len(found.missing),
        "unknown_events": [event.event_id for event in found.unknown[:100]],
        "regions": [seen.region for seen in made.regions if seen.sight is Sight.WHOLE],
        "not_seen": [
            f"{seen.region}: {seen.sight.value}"
            for seen in made.regions
            if seen.sight in (Sight.PART, Sight.REFUSED)
        ],
    }


def _tell_of(made: Reconciliation) -> None:
    """Each event that nobody knows is an alarm of its own."""
    for event in made.comparison.unknown:
        _log.error(
            "exchange_unknown_to_the_ledger",
            account=made.account_id,
            event_id=event.event_id,
            happened_at=rfc3339(event.time),
            session_name=event.session_name,
            error_code=event.error_code,
        )
    for missing in made.comparison.missing:
        _log.warning(
            "session_not_in_the_trail", account=made.account_id, session=missing.session_id
        )


def _bad_span(rule: str) -> InvalidRequest:
    return InvalidRequest(
        f"This time cannot be looked at: {rule}.",
        problems=[FieldProblem(field, rule) for field in ("from", "to")],
    )
