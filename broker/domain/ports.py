"""What use cases need of the store and of AWS, as protocols; `broker.wiring` picks the adapters.

Adapters raise `DependencyUnavailable` where they cannot be reached and `Conflict` where a record
changed since it was read. Nothing else leaves them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from broker.domain.accounts import Account
from broker.domain.api_tokens import ApiToken
from broker.domain.approval_links import ApprovalLink
from broker.domain.browser_sessions import BrowserSecret, BrowserSession, SignInAttempt
from broker.domain.checkpoints import Checkpoint
from broker.domain.grants import Access, Grant
from broker.domain.hooks import Hook
from broker.domain.iam_documents import Document
from broker.domain.identifiers import (
    AccountId,
    EngineerId,
    GrantId,
    IssuerId,
    SessionId,
    TicketId,
)
from broker.domain.ledger import Chain, Event, Head, LedgerEntry
from broker.domain.limits import Full, Window
from broker.domain.observed import Observed
from broker.domain.openid_provider import ProviderKey
from broker.domain.role_plan import Wanted
from broker.domain.sessions import Credentials, Session
from broker.domain.steps import Step
from broker.domain.tickets import Ticket
from broker.domain.trail import TrailPart, TrailQuery, Unseen

Record = Account | Grant | Session | Ticket | ApiToken | Hook | Checkpoint
"""Any stored record."""

R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Versioned(Generic[R_co]):
    """A record as read, with the version that a later write must still find."""

    record: R_co
    version: int


@dataclass(frozen=True, slots=True)
class Page(Generic[R_co]):
    """A part of a list; `next` is the cursor of the following part, None at the end."""

    items: tuple[R_co, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class WrittenEntry:
    """An entry as it is kept: its place, and its canonical JSON."""

    seq: int
    line: str


@dataclass(frozen=True, slots=True)
class Save:
    """Write `record` if it is still at version `expected`; 0 means that it must not exist yet."""

    record: Record
    expected: int


class Journal(Protocol):
    """The only way to write: changes of records together with the entries that explain them."""

    def record(
        self,
        chain: Chain,
        *events: Event,
        now: datetime,
        saves: Sequence[Save] = (),
        unchanged: Sequence[Versioned[Record]] = (),
    ) -> tuple[LedgerEntry, ...]:
        """Append `events` to `chain` and apply `saves`, all or nothing, durably.

        `unchanged` are records that must still be at the version they were read at, though they
        are not written. Records of an account (Account, Grant, Session, Checkpoint) go with that
        account's chain, tickets and API tokens with the broker's: one chain is one slot of a
        clustered store.
        Raises Conflict (`stale_version`) if a record is not at its expected version: then
        nothing is written; DependencyUnavailable (`ledger_unavailable`), then it may have been
        written nevertheless, but never in part.
        """
        ...

    def archive(
        self, chain: Chain, event: Event, *, through: int, now: datetime
    ) -> tuple[LedgerEntry, ...]:
        """Append `event` and drop every entry up to `through`, all or nothing, durably.

        Raises ValueError where `through` is not an entry before the new one, and like `record`.
        """
        ...

    def head(self, chain: Chain) -> Head:
        """The last entry's place."""
        ...

    def entries(self, chain: Chain, *, after: int, limit: int) -> tuple[LedgerEntry, ...]:
        """At most `limit` entries with `seq` greater than `after`, in order."""
        ...

    def written(
        self, chain: Chain, *, after: int, through: int, limit: int
    ) -> tuple[WrittenEntry, ...]:
        """Like `entries`, up to `through`, as they are kept; the first may be far after `after`,
        where older ones were archived."""
        ...


class AccountRepository(Protocol):
    """Reading accounts."""

    def get(self, account_id: AccountId) -> Versioned[Account] | None:
        """The account, or None."""
        ...

    def page(self, *, cursor: str | None, limit: int) -> Page[Account]:
        """Accounts in the order of their ids."""
        ...

    def of_issuer(self, issuer_id: IssuerId) -> Account | None:
        """The account that an issuer id was given to, or None."""
        ...

    def changed_since(self, revision: int) -> tuple[int, tuple[AccountId, ...]]:
        """Accounts saved after `revision`, and the revision to ask from next; 0 gives all.

        A change is reported at least once, and may be reported again for a while.
        """
        ...


class CheckpointRepository(Protocol):
    """Reading signed heads of accounts' chains."""

    def latest(self, account_id: AccountId) -> Versioned[Checkpoint] | None:
        """The one of the highest entry, or None."""
        ...

    def between(
        self, account_id: AccountId, *, first: int, last: int, limit: int
    ) -> tuple[Checkpoint, ...]:
        """At most `limit` of those whose `seq` is in `first` .. `last`, in order."""
        ...


class TicketRepository(Protocol):
    """Reading tickets."""

    def get(self, ticket_id: TicketId) -> Versioned[Ticket] | None:
        """The ticket, or None."""
        ...

    def page(
        self, *, cursor: str | None, limit: int, shown: Callable[[Ticket], bool]
    ) -> Page[Ticket]:
        """Tickets in the order of their ids, of those that are `shown`; the cursor names no other.

        A cursor can be read by whoever gets it, and ids of tickets may name customers.
        """
        ...


class TicketSource(Protocol):
    """Where tickets come from, if not from the console."""

    def find(self, ticket_id: TicketId) -> Ticket | None:
        """The ticket as it is at its source now, or None where there is none of this id.

        Raises DependencyUnavailable (`ticket_source_unavailable`) where that cannot be known.
        """
        ...


class CurrentTickets(Protocol):
    """Tickets as access is decided on."""

    def get(self, ticket_id: TicketId) -> Versioned[Ticket] | None:
        """The ticket as it was at its source some seconds ago at most; None where there is none.

        What somebody has written down of it since then counts at once. Raises
        DependencyUnavailable (`ticket_source_unavailable`) where nobody knows how it is.
        """
        ...


class GrantRepository(Protocol):
    """Reading grants."""

    def get(self, grant_id: GrantId) -> Versioned[Grant] | None:
        """The grant, or None."""
        ...

    def of_engineer(
        self, account_id: AccountId, engineer: EngineerId
    ) -> tuple[Versioned[Grant], ...]:
        """The engineer's grants for the account that have not been over for more than a day."""
        ...

    def of_ticket(self, ticket_id: TicketId) -> tuple[Versioned[Grant], ...]:
        """The ticket's grants, in all accounts, that have not been over for more than a day."""
        ...

    def page(
        self,
        *,
        account_ids: Sequence[AccountId] | None,
        engineer: EngineerId | None,
        cursor: str | None,
        limit: int,
    ) -> Page[Grant]:
        """Grants, newest first; None is no filter, an empty sequence matches nothing."""
        ...


class SessionRepository(Protocol):
    """Reading sessions."""

    def get(self, session_id: SessionId) -> Versioned[Session] | None:
        """The session, or None."""
        ...

    def of_grant(self, account_id: AccountId, grant_id: GrantId) -> tuple[Versioned[Session], ...]:
        """Every session that was ever opened under the grant."""
        ...

    def page(
        self,
        *,
        account_ids: Sequence[AccountId] | None,
        engineer: EngineerId | None,
        cursor: str | None,
        limit: int,
    ) -> Page[Session]:
        """Sessions, newest first; None is no filter, an empty sequence matches nothing."""
        ...


class ApiTokenRepository(Protocol):
    """Reading API tokens."""

    def get(self, token_id: str) -> Versioned[ApiToken] | None:
        """The token, or None."""
        ...

    def page(self, *, cursor: str | None, limit: int) -> Page[ApiToken]:
        """API tokens in the order of their ids."""
        ...

    def last_uses(self, token_ids: Sequence[str]) -> Mapping[str, datetime]:
        """When each of them was last accepted, to the minute; those never used are left out."""
        ...


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A credential was accepted: what it is known again by, and the API token if it was one."""

    fingerprint: str
    api_token_id: str | None
    at: datetime


class AcceptanceRepository(Protocol):
    """Which credentials were accepted; not in the ledger, and nothing is decided by it alone."""

    def keep(self, acceptances: Sequence[Acceptance]) -> None:
        """Remember them; an API token's last use is written at most once a minute."""
        ...

    def knows(self, fingerprint: str) -> bool:
        """Whether it was accepted within the last day."""
        ...


class HookRepository(Protocol):
    """Reading CloudFormation's requests."""

    def get(self, hook_id: str) -> Versioned[Hook] | None:
        """The request, or None."""
        ...


class TaskKind(StrEnum):
    """What a worker has to do."""

    ACCOUNT = "account"
    HOOK = "hook"
    TICKET = "ticket"
    SESSION = "session"
    """A revoked session, of which AWS has not been seen to refuse the credentials yet."""
    WEBHOOK = "webhook"
    """An endpoint, by its name, that has something to be told of. It has no record."""
    WEBHOOK_SWEEP = "webhook-sweep"
    """Every chain is compared with every endpoint's cursor, so that no hint is needed for ever."""


@dataclass(frozen=True, slots=True)
class Task:
    """One record whose time has come; `subject` is its id."""

    kind: TaskKind
    subject: str


class Agenda(Protocol):
    """The index of due times. Saving a record that has one puts it down for its next time."""

    def claim(
        self,
        *,
        now: datetime,
        hold: timedelta,
        limit: int,
        holds: Mapping[TaskKind, timedelta] | None = None,
    ) -> tuple[Task, ...]:
        """At most `limit` tasks that are due, the longest due first; no other claim gets them.

        A claimed task is put down for `now + hold`, or for what `holds` says of its kind, so that
        it comes again if its worker dies; what the worker saves puts it down for its real next
        time.
        """
        ...

    def hasten(self, task: Task, *, at: datetime) -> None:
        """Put `task` down for `at` if it is not down for an earlier time."""
        ...

    def conclude(self, task: Task, *, next_at: datetime | None) -> None:
        """Put a task that has no record down for its next time, None for never.

        Where it was hastened since it was claimed, that time counts if it is earlier.
        """
        ...

    def next_due(self) -> datetime | None:
        """When the next task is due; None where nothing is down."""
        ...


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on something until `ttl` has passed; `fencing` grows with every lease."""

    name: str
    holder: str
    fencing: int


class LeaseRepository(Protocol):
    """Leases: one worker at a time."""

    def acquire(self, name: str, *, holder: str, ttl: timedelta) -> Lease | None:
        """The lease, or None while another holder has it."""
        ...

    def release(self, lease: Lease) -> None:
        """Give it back, if it is still ours."""
        ...


@dataclass(frozen=True, slots=True)
class Begun:
    """Nobody used this key before: go on, then `finish` or `abandon`."""


@dataclass(frozen=True, slots=True)
class InProgress:
    """The first request with this key has not been answered yet."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer that the first request got; `body` is None where it must not be given again."""

    status: int
    body: str | None


@dataclass(frozen=True, slots=True)
class Reused:
    """The key was used with another request."""


class IdempotencyRepository(Protocol):
    """The answers to requests with an Idempotency-Key, kept for a day."""

    def begin(self, key: str, *, fingerprint: str) -> Begun | InProgress | Finished | Reused:
        """Claim `key` for a request with this fingerprint, or say what became of it."""
        ...

    def finish(self, key: str, answer: Finished) -> None:
        """Keep the answer."""
        ...

    def abandon(self, key: str) -> None:
        """Forget the claim: the request failed before it had an effect."""
        ...


class WindowRepository(Protocol):
    """The places of sliding windows, by the store's own clock; exact for any number of callers."""

    def take(self, *windows: Window) -> Full | None:
        """Take a place in each window, or none anywhere: then the fullest of them is returned."""
        ...

    def look(self, *windows: Window) -> Full | None:
        """What `take` would return, without taking a place."""
        ...


class StoreHealth(Protocol):
    """What an operator should know of the store."""

    def ping(self) -> None:
        """Raise DependencyUnavailable (`store_unavailable`) where it does not answer."""
        ...

    def problems(self) -> Sequence[str]:
        """What an acknowledged write would not survive, and the like, as sentences."""
        ...


class WebIdentityExchange(Protocol):
    """AssumeRoleWithWebIdentity."""

    def exchange(
        self,
        *,
        identity_token: str,
        role_arn: str,
        role_session_name: str,
        duration: timedelta,
        session_policy: str | None,
    ) -> Credentials:
        """Credentials for the token.

        Raises UpstreamRejected (`refused_by_aws`, `issuer_unreachable_from_aws`) and
        DependencyUnavailable (`aws_unavailable`); neither carries AWS's text.
        """
        ...


class Probe(Protocol):
    """Asking AWS whether it lets somebody in."""

    def is_refused(self, credentials: Credentials, access: Access) -> bool:
        """Whether AWS refuses these credentials the harmless call that the role for `access` may
        make (`PROBED_ACTIONS`).

        Raises DependencyUnavailable where AWS cannot be asked, and UpstreamRejected where it
        answers something that says neither.
        """
        ...


class Trail(Protocol):
    """CloudTrail of a customer's account, Region by Region."""

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
        """At most `limit` events (1 to 50) of one Region, newest first, and the way to the next.

        A cursor goes with the query and the limit that gave it. Raises InvalidRequest for one
        that AWS does not know, RateLimited where too many wait for the same account's trail, and
        UpstreamRejected and DependencyUnavailable like `WebIdentityExchange.exchange`.
        """
        ...


class CheckpointBuckets(Protocol):
    """Customers' own buckets, for copies of checkpoints."""

    def put(self, checkpoint: Checkpoint, *, bucket: str) -> None:
        """Write it once, under a name made of its account, entry and hash; again is no error.

        Raises UpstreamRejected (`refused_by_aws`) where the bucket does not take it, or is not
        the account's own, and DependencyUnavailable (`aws_unavailable`).
        """
        ...


class ManagedAccount(Protocol):
    """The customer's IAM as the management role may see and change it."""

    def observe(self, wanted: Wanted) -> Observed:
        """What stands there of what is wanted. Raises like `WebIdentityExchange.exchange`."""
        ...

    def policy_documents(self, arns: Iterable[str]) -> Mapping[str, Document | None]:
        """Managed policies by ARN; None for one that may not be read. Raises like `observe`."""
        ...

    def apply(self, step: Step) -> None:
        """Do one step; doing it again changes nothing. Raises like `observe`."""
        ...


class ManagementRole(Protocol):
    """The way into a customer's IAM."""

    def assume(self, account: Account) -> ManagedAccount:
        """Assume the management role with the account's own ExternalId.

        Raises UpstreamRejected (`refused_by_aws`) where the role is missing or refuses us, and
        DependencyUnavailable (`aws_unavailable`).
        """
        ...


class ApprovalLinkRepository(Protocol):
    """Links for one decision each, under their hashes. What is kept here ends by itself."""

    def keep(self, digest: str, link: ApprovalLink) -> None:
        """Keep a new link for as long as links live."""
        ...

    def get(self, digest: str) -> ApprovalLink | None:
        """The link, or None where it was used or has ended by itself; looking uses up nothing."""
        ...

    def take(self, digest: str) -> ApprovalLink | None:
        """The link, for the one who asks first; None for all others."""
        ...


class BrowserSessionRepository(Protocol):
    """Who is signed in, and who is about to be. What is kept here ends by itself.

    These are no records of the journal: they change with every request, and what the ledger
    must know of them it is told beside.
    """

    def begin(self, attempt: SignInAttempt) -> None:
        """Keep the attempt until it is taken, or too old."""
        ...

    def take(self, digest: str) -> SignInAttempt | None:
        """The attempt, for the one who asks first; None for all others."""
        ...

    def open(self, session: BrowserSession, *, lasts: timedelta) -> None:
        """Keep a new session for as long as that."""
        ...

    def get(self, digest: str) -> BrowserSession | None:
        """The session, or None where there is none, or none any more.

        One that has ended is still there for a while, so that its end can be told.
        """
        ...

    def prolong(self, session: BrowserSession, *, lasts: timedelta) -> None:
        """Keep the session as it is now, for as long as that, unless it was ended meanwhile."""
        ...

    def end(self, session: BrowserSession, *, lasts: timedelta) -> None:
        """From now on the session is one that was signed out of; remember that for so long."""
        ...


class ProviderKeys(Protocol):
    """The keys that the organisation's OpenID provider signs with."""

    def key(self, kid: str) -> ProviderKey | None:
        """The key of that id, or None where the provider publishes none.

        Raises DependencyUnavailable (`sign_in_unavailable`).
        """
        ...


class CodeFlow(Protocol):
    """The authorization code flow (RFC 6749, section 4.1) with PKCE, as the provider's client."""

    def authorization_url(self, secret: BrowserSecret) -> str:
        """Where the browser goes to sign in. Raises DependencyUnavailable."""
        ...

    def redeem(self, code: str, secret: BrowserSecret) -> str:
        """The identity token for a code; nothing has been checked of it.

        Raises CodeRefused, and DependencyUnavailable (`sign_in_unavailable`).
        """
        ...

    def names_issuer(self, presented: str | None) -> bool:
        """Whether a callback comes from the provider that it was sent to (RFC 9207)."""
        ...
