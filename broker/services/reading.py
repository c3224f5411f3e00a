"""Reading: what a caller may see of accounts, tickets, sessions, ledger and API tokens."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from broker.domain.access import still_counts
from broker.domain.accounts import Account, AccountState, Consent
from broker.domain.grants import Grant, GrantState
from broker.domain.identifiers import AccountId, EngineerId, GrantId, SessionId, TicketId
from broker.domain.identity.api_tokens import ApiToken
from broker.domain.identity.permissions import Action, Visibility, permits, visibility
from broker.domain.ledger.entries import BROKER_CHAIN, LedgerEntry, chain_of
from broker.domain.ports import (
    AccountRepository,
    ApiTokenRepository,
    Journal,
    Page,
    SessionRepository,
    TicketRepository,
    Versioned,
)
from broker.domain.sessions import Session
from broker.domain.tickets import Ticket
from broker.errors import FieldProblem, InvalidRequest, NotFound
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.paging import sifted
from broker.services.registered import registered, session_for

_NOTHING = Visibility(account_ids=frozenset(), engineer=None)


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list is asked for."""

    limit: int
    cursor: str | None


@dataclass(frozen=True, slots=True)
class UsedApiToken:
    """An API token and its last use, to the minute; None where it has not been used."""

    token: ApiToken
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The reading side of the API. What a caller may not see looks as if it did not exist."""

    journal: Journal
    accounts: AccountRepository
    tickets: TicketRepository
    sessions: SessionRepository
    api_tokens: ApiTokenRepository
    gate: Gate

    def account(self, account_id: AccountId, call: Call) -> Versioned[Account]:
        """One account. Raises AccessDenied, NotFound."""
        self.gate.require(call, Action.READ_ACCOUNT, account_id=account_id)
        return registered(self.accounts, account_id)

    def account_page(
        self, window: Window, call: Call, *, state: AccountState | None = None
    ) -> Page[Account]:
        """The accounts that the caller may see, or those of them in one state.

        A part may hold fewer than its limit, even none, where the state passes over many.
        """
        self.gate.require_role(call, Action.READ_ACCOUNT)
        if state is None:
            return self._account_part(window, call)
        return sifted(
            lambda cursor, limit: self._account_part(Window(limit, cursor), call),
            lambda account: account.state is state,
            cursor=window.cursor,
            limit=window.limit,
        )

    def _account_part(self, window: Window, call: Call) -> Page[Account]:
        bound = _seen(call, Action.READ_ACCOUNT).account_ids
        if bound is None:
            return self.accounts.page(cursor=window.cursor, limit=window.limit)
        return self._bound_account_page(window, bound)

    def _bound_account_page(self, window: Window, bound: Collection[AccountId]) -> Page[Account]:
        """In the order of ids, like all accounts; the cursor is the last id of the part before."""
        after = "" if window.cursor is None else _account_in(window.cursor)
        stored = [
            self.accounts.get(account_id) for account_id in sorted(bound) if account_id > after
        ]
        found = [each.record for each in stored if each]
        shown = tuple(found[: window.limit])
        return Page(shown, next=shown[-1].account_id if len(found) > window.limit else None)

    def ticket(self, ticket_id: TicketId, call: Call) -> Ticket:
        """One ticket. Raises AccessDenied, NotFound."""
        self.gate.require_role(call, Action.READ_TICKET)
        stored = self.tickets.get(ticket_id)
        if stored is None or not _sees(call, stored.record):
            raise NotFound("No such ticket is known.")
        return _as_seen(call, stored.record)

    def ticket_page(self, window: Window, call: Call) -> Page[Ticket]:
        """The tickets that the caller may see."""
        self.gate.require_role(call, Action.READ_TICKET)
        page = self.tickets.page(
            cursor=window.cursor, limit=window.limit, shown=partial(_sees, call)
        )
        return Page(tuple(_as_seen(call, ticket) for ticket in page.items), page.next)

    def session(self, session_id: SessionId, call: Call) -> Session:
        """One session, without credentials. Raises AccessDenied, NotFound."""
        self.gate.require_role(call, Action.READ_SESSION)
        return session_for(self.sessions, session_id, call, Action.READ_SESSION).record

    def sessions_under(self, grant: Grant, call: Call) -> tuple[Session, ...]:
        """The sessions under a grant, newest first; none for a caller who may not see them."""
        under = self.sessions.of_grant(grant.account_id, grant.grant_id)
        seen = permits(
            call.caller,
            Action.READ_SESSION,
            account_id=grant.account_id,
            engineer=grant.engineer,
        )
        found = (each.record for each in under if seen)
        return tuple(sorted(found, key=lambda session: session.issued_at, reverse=True))

    def without_effect(self, grants: Iterable[Grant]) -> frozenset[GrantId]:
        """Those that were approved and give nothing any more, since consent has been changed.

        Their state stays what was decided on them; but no session is opened under them. For whoever
        was shown the grants.
        """
        approved = [grant for grant in grants if grant.decided is GrantState.APPROVED]
        accounts = {
            account_id: self.accounts.get(account_id)
            for account_id in {grant.account_id for grant in approved}
        }
        return frozenset(
            grant.grant_id
            for grant in approved
            if (stored := accounts[grant.account_id]) and not still_counts(grant, stored.record)
        )

    def lets_nobody_in(self, account_id: AccountId) -> bool:
        """Whether the customer lets nobody in, for whoever was shown a request for the account."""
        stored = self.accounts.get(account_id)
        return stored is not None and stored.record.consent is Consent.OFF

    def session_page(
        self,
        window: Window,
        call: Call,
        *,
        account_id: AccountId | None,
        engineer: EngineerId | None = None,
    ) -> Page[Session]:
        """The sessions that the caller may see, newest first; of an account, of an engineer."""
        self.gate.require_role(call, Action.READ_SESSION)
        seen = _seen(call, Action.READ_SESSION)
        account_ids = seen.account_ids
        if account_id is not None:
            hidden = account_ids is not None and account_id not in account_ids
            account_ids = frozenset() if hidden else frozenset({account_id})
        if seen.engineer is not None:
            if engineer not in (None, seen.engineer):
                account_ids = frozenset()
            engineer = EngineerId(seen.engineer)
        return self.sessions.page(
            account_ids=None if account_ids is None else sorted(account_ids),
            engineer=engineer,
            cursor=window.cursor,
            limit=window.limit,
        )

    def ledger_page(
        self, window: Window, call: Call, *, account_id: AccountId | None
    ) -> Page[LedgerEntry]:
        """Entries of an account's chain, or of the broker's own where no account is named."""
        self.gate.require(call, Action.READ_LEDGER, account_id=account_id)
        chain = BROKER_CHAIN if account_id is None else chain_of(account_id)
        entries = self.journal.entries(chain, after=_after(window), limit=window.limit + 1)
        shown = entries[: window.limit]
        more = len(entries) > window.limit
        return Page(shown, next=str(shown[-1].seq) if more else None)

    def api_token_page(self, window: Window, call: Call) -> Page[UsedApiToken]:
        """API tokens, without their secrets."""
        self.gate.require(call, Action.MANAGE_API_TOKENS)
        page = self.api_tokens.page(cursor=window.cursor, limit=window.limit)
        uses = self.api_tokens.last_uses([token.token_id for token in page.items])
        return Page(
            tuple(UsedApiToken(token, uses.get(token.token_id)) for token in page.items), page.next
        )


def _seen(call: Call, action: Action) -> Visibility:
    return visibility(call.caller, action) or _NOTHING


def _as_seen(call: Call, ticket: Ticket) -> Ticket:
    """A ticket without what concerns accounts that the caller is not bound to."""
    bound = _seen(call, Action.READ_TICKET).account_ids
    if bound is None:
        return ticket
    return replace(ticket, account_ids=tuple(a for a in ticket.account_ids if a in bound))


def _sees(call: Call, ticket: Ticket) -> bool:
    seen = _seen(call, Action.READ_TICKET)
    if seen.account_ids is not None and seen.account_ids.isdisjoint(ticket.account_ids):
        return False
    return seen.assignee is None or not ticket.assignees or seen.assignee in ticket.assignees


def _after(window: Window) -> int:
    if window.cursor is None:
        return 0
    if not (window.cursor.isascii() and window.cursor.isdigit() and len(window.cursor) < 16):
        raise _bad_cursor()
    return int(window.cursor)


def _account_in(cursor: str) -> AccountId:
    try:
        return AccountId.parse(cursor)
    except ValueError as e:
        raise _bad_cursor() from e


def _bad_cursor() -> InvalidRequest:
    return InvalidRequest(
        "The cursor is not one of this list. Begin again without it.",
        problems=[FieldProblem("cursor", "must be the `next` of an earlier answer")],
    )
