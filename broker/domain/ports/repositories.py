"""Reading records, a protocol a kind, and the few that are kept outside of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from broker.domain.accounts import Account
from broker.domain.approval_links import ApprovalLink
from broker.domain.grants import Grant
from broker.domain.hooks.records import Hook
from broker.domain.identifiers import AccountId, EngineerId, GrantId, IssuerId, SessionId, TicketId
from broker.domain.identity.api_tokens import ApiToken
from broker.domain.identity.browser_sessions import BrowserSession, SignInAttempt
from broker.domain.ledger.checkpoints import Checkpoint
from broker.domain.ports.journal import Page, Versioned
from broker.domain.sessions import Session
from broker.domain.tickets import Ticket


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


class HookRepository(Protocol):
    """Reading CloudFormation's requests."""

    def get(self, hook_id: str) -> Versioned[Hook] | None:
        """The request, or None."""
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
