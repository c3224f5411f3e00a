"""Reading a ledger as people do: the newest first, or what belongs to one session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from broker.domain.identifiers import AccountId, SessionId
from broker.domain.identity.permissions import Action
from broker.domain.ledger.entries import Chain, LedgerEntry, chain_of
from broker.domain.ports import GrantRepository, Journal, Page, SessionRepository
from broker.domain.sessions import Session
from broker.errors import FieldProblem, InvalidRequest, NotFound
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.ledger.by_time import entries_around
from broker.services.paging import PARTS
from broker.services.reading import Window

_MOST_OF_A_SPAN = 20_000
"""Entries that are looked at for a session; more than an account gets in a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilter:
    """Which entries are asked for; None is no filter."""

    ticket: str | None = None
    engineer: str | None = None

    def lets_through(self, entry: LedgerEntry) -> bool:
        """Whether the entry names the ticket, and the engineer as whom it is about or who acts."""
        people = (entry.actor, entry.details.get("engineer"))
        return self.ticket in (None, entry.ids.get("ticket")) and (
            self.engineer is None or self.engineer in people
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What the ledger says of a session, from the request for its grant to its end."""

    session: Session
    entries: tuple[LedgerEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Reads chains backwards. It costs the same at the end of a long chain as of a short one."""

    journal: Journal
    sessions: SessionRepository
    grants: GrantRepository
    gate: Gate

    def page(
        self, account_id: AccountId, wanted: EntryFilter, window: Window, call: Call
    ) -> Page[LedgerEntry]:
        """Entries of the account's chain, the newest first; the cursor is the last one's number.

        A part may hold fewer than its limit, even none, where a filter passes over many. Raises
        AccessDenied, InvalidRequest for a cursor of something else.
        """
        self.gate.require(call, Action.READ_LEDGER, account_id=account_id)
        chain = chain_of(account_id)
        before = _before(window) or self.journal.head(chain).seq + 1
        found: list[LedgerEntry] = []
        for _ in range(PARTS):
            part = self._part(chain, before=before, limit=window.limit)
            if not part:
                return Page(tuple(found), next=None)
            for entry in part:
                if len(found) == window.limit:
                    return Page(tuple(found), next=str(before))
                before = entry.seq
                if wanted.lets_through(entry):
                    found.append(entry)
        return Page(tuple(found), next=str(before) if before > 1 else None)

    def of_session(self, account_id: AccountId, session_id: SessionId, call: Call) -> Story:
        """A session's entries and those of its grant, in order.

        Raises AccessDenied, and NotFound where the account had no such session.
        """
        self.gate.require(call, Action.READ_LEDGER, account_id=account_id)
        stored = self.sessions.get(session_id)
        if stored is None or stored.record.account_id != account_id:
            raise NotFound("No such session.")
        session = stored.record
        names = {session.session_id, session.grant_id}
        return Story(
            session=session,
            entries=tuple(
                entry
                for entry in self._around(session)
                if not names.isdisjoint((entry.ids.get("session"), entry.ids.get("grant")))
                and entry.ids.get("session") in (None, session.session_id)
            ),
        )

    def _around(self, session: Session) -> Iterator[LedgerEntry]:
        """From the request for the grant, and from the session's beginning to its last word."""
        chain = chain_of(session.account_id)
        told = 0
        for since, until in self._spans(session):
            around = entries_around(self.journal, chain, since=since, until=until)
            for entry in islice(around, _MOST_OF_A_SPAN):
                if entry.seq > told:
                    told = entry.seq
                    yield entry

    def _spans(self, session: Session) -> Iterator[tuple[datetime, datetime]]:
        """Times in which something was written of it, in order; a grant may be old by then."""
        grant = self.grants.get(session.grant_id)
        if grant is not None:
            yield grant.record.created_at, session.issued_at
        yield session.issued_at, max(session.expires_at, session.refused_at or session.issued_at)

    def _part(self, chain: Chain, *, before: int, limit: int) -> tuple[LedgerEntry, ...]:
        """At most `limit` entries before that number, the newest first; () where there are none.

        Numbers of a chain have no gaps, so that the part is found without reading what follows it.
        """
        after = max(0, before - 1 - limit)
        entries = self.journal.entries(chain, after=after, limit=limit)
        return tuple(entry for entry in reversed(entries) if entry.seq < before)


def _before(window: Window) -> int | None:
    if window.cursor is None:
        return None
    cursor = window.cursor
    if not (cursor.isascii() and cursor.isdigit() and 0 < len(cursor) < 16):
        raise InvalidRequest(
            "The cursor is not one of this list. Begin again without it.",
            problems=[FieldProblem("cursor", "must be the `next` of an earlier answer")],
        )
    return int(cursor)
