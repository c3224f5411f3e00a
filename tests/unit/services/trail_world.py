"""A customer's trail and all around it, in memory: Regions, a ledger, a session, a clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from broker.domain.accounts import Account
from broker.domain.grants import Access
from broker.domain.identifiers import AccountId, GrantId, SessionId
from broker.domain.identity.permissions import Caller, Role
from broker.domain.ledger.entries import Chain, Event, Head, LedgerEntry, seal
from broker.domain.ports import Versioned
from broker.domain.role_plan import RolePolicy
from broker.domain.sessions import Credentials, Session, role_session_name
from broker.domain.trail.events import TrailEvent, TrailPart, TrailQuery, Unseen, parse_event
from broker.domain.trail.regions import TrailRegions
from broker.errors import BrokerError
from broker.services.ambient import Entropy
from broker.services.authorization import Gate
from broker.services.bulkhead import Bulkhead
from broker.services.calls import Call
from broker.services.trail.activity import ReadActivity
from broker.services.trail.reconciliation import ReconcileLedger
from broker.services.trail.visits import TrailVisits
from tests.unit.domain.making import ACCOUNT, JANE, NOW, TICKET, account, caller
from tests.unit.domain.trail_records import call_record, found

SESSION = SessionId("s-" + "5e" * 10)
KEY, OWN_KEY = "ASIAJANEJANEJANEJANE", "ASIAOWNOWNOWNOWNOWNO"
OWN, GLOBAL, ELSEWHERE = "eu-central-1", "us-east-1", "us-west-2"
REGIONS = TrailRegions(own=OWN, of_global_services=GLOBAL, all=(OWN, GLOBAL, ELSEWHERE))
POLICY = RolePolicy(
    name_prefix="Acme",
    longest_session=timedelta(hours=4),
    pinned_partitions=frozenset({"aws"}),
)


def call_of(*roles: Role, subject: str = JANE, accounts: tuple[AccountId, ...] = ()) -> Call:
    """A request of somebody with these roles."""
    who: Caller = caller(*roles, subject=subject, accounts=accounts)
    return Call(caller=who, request_id="request", source_address="192.0.2.1")


AUDITOR = call_of(Role.AUDITOR, subject="auditor")


def session(**changes: Any) -> Session:
    """Jane's hour of reading, half an hour ago."""
    issued_at = NOW - timedelta(minutes=30)
    made = Session(
        session_id=SESSION,
        account_id=ACCOUNT,
        ticket_id=TICKET,
        engineer=JANE,
        access=Access.READ,
        grant_id=GrantId("gr-" + "0" * 20),
        role_arn="arn:aws:iam::111122223333:role/Acme-Support-ReadOnly",
        role_session_name=role_session_name(JANE, TICKET, SESSION),
        access_key_id=KEY,
        kid="kid",
        jti="jti",
        services=(),
        issued_at=issued_at,
        expires_at=issued_at + timedelta(hours=1),
    )
    return replace(made, **changes)


def called(number: int, **changes: Any) -> TrailEvent:
    """The event of a call that read; `number` tells it from others."""
    read = {"eventID": f"event-{number}", "eventName": "DescribeInstances", "readOnly": True}
    record = call_record(**{**read, **changes})
    return parse_event(found(record), region=OWN)


class Ledger:
    """Journal of one process, in memory."""

    def __init__(self) -> None:
        self.entries_of: dict[Chain, list[LedgerEntry]] = {}
        self.reads = 0

    def record(self, chain: Chain, *events: Event, now: datetime) -> tuple[LedgerEntry, ...]:
        """Append them."""
        kept = self.entries_of.setdefault(chain, [])
        for event in events:
            head = Head(kept[-1].seq, kept[-1].hash) if kept else Head()
            kept.append(seal(event, chain=chain, head=head, at=now))
        return tuple(kept[-len(events) :])

    def head(self, chain: Chain) -> Head:
        """The last entry's place."""
        kept = self.entries_of.get(chain, [])
        return Head(kept[-1].seq, kept[-1].hash) if kept else Head()

    def entries(self, chain: Chain, *, after: int, limit: int) -> tuple[LedgerEntry, ...]:
        """The following entries."""
        self.reads += 1
        return tuple(self.entries_of.get(chain, [])[after : after + limit])

    def told(self, chain: str = ACCOUNT) -> list[LedgerEntry]:
        """Everything of a chain."""
        return self.entries_of.get(Chain(chain), [])


@dataclass
class FakeTrail:
    """Answers for each Region: parts in order, or why it shows nothing."""

    parts: dict[str, Sequence[Sequence[TrailEvent]] | Unseen | BrokerError] = field(
        default_factory=dict
    )
    asked: list[tuple[str, TrailQuery, int, str | None]] = field(default_factory=list)
    credentials: list[Credentials] = field(default_factory=list)

    def look_up(
        self,
        query: TrailQuery,
        *,
        account_id: AccountId,
        credentials: Credentials,
        region: str,
        limit: int,
        cursor: str | None = None,
    ) -> TrailPart | Unseen:
        """The part that the cursor leads to."""
        assert account_id == ACCOUNT
        self.asked.append((region, query, limit, cursor))
        self.credentials.append(credentials)
        answer = self.parts.get(region, [()])
        if isinstance(answer, BrokerError):
            raise answer
        if isinstance(answer, Unseen):
            return answer
        number = int(cursor or 0)
        more = number + 1 < len(answer)
        return TrailPart(tuple(answer[number]), str(number + 1) if more else None)

    @property
    def regions(self) -> list[str]:
        """In which Regions it was asked."""
        return [region for region, *_ in self.asked]


class OneOf:
    """A repository with at most one record."""

    def __init__(self, record: Any) -> None:
        self.record = record

    def get(self, _: str) -> Versioned[Any] | None:
        """It, whatever is asked for."""
        return None if self.record is None else Versioned(self.record, 1)


@dataclass
class OwnDoor:
    """OwnAccess in memory: notes what is asked, and gives credentials."""

    error: BrokerError | None = None
    asked: list[Mapping[str, Any]] = field(default_factory=list)

    def credentials(self, _: Account, **asked: Any) -> Credentials:
        """The broker's own."""
        self.asked.append(asked)
        if self.error is not None:
            raise self.error
        return Credentials(
            access_key_id=OWN_KEY,
            secret_access_key="a secret",
            session_token="another secret",
            expiration=NOW + timedelta(minutes=15),
        )


@dataclass
class TrailWorld:
    """Both services on one trail, ledger and clock."""

    trail: FakeTrail = field(default_factory=FakeTrail)
    ledger: Ledger = field(default_factory=Ledger)
    door: OwnDoor = field(default_factory=OwnDoor)
    account: Account | None = field(default_factory=account)
    session: Session | None = field(default_factory=session)
    now: datetime = NOW
    regions: TrailRegions = REGIONS
    bulkhead: Bulkhead = field(default_factory=lambda: Bulkhead(1))

    def clock(self) -> datetime:
        """The time of this world."""
        return self.now

    @property
    def parts(self) -> dict[str, Any]:
        """What both services are made of."""
        visits = TrailVisits(
            journal=self.ledger,
            own_access=self.door,
            bulkhead=self.bulkhead,
            clock=self.clock,
            entropy=Entropy(),
        )
        return {
            "accounts": OneOf(self.account),
            "gate": Gate(journal=self.ledger, clock=self.clock),
            "visits": visits,
            "trail": self.trail,
            "regions": self.regions,
            "clock": self.clock,
        }

    @property
    def read_activity(self) -> ReadActivity:
        """Sessions' activity."""
        return ReadActivity(sessions=OneOf(self.session), **self.parts)

    @property
    def reconcile_ledger(self) -> ReconcileLedger:
        """The trail against the ledger."""
        return ReconcileLedger(journal=self.ledger, policy=POLICY, **self.parts)
