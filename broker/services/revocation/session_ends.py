"""Writing down that sessions end, and how far that has come: the one place that does.

A session that ends is denied in its account's record in the same step in which its own record
says so, since a pass over the account brings about what the account's record wants.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice, takewhile

from broker.domain.identifiers import AccountId, EngineerId, SessionId
from broker.domain.ledger.entries import Event, chain_of
from broker.domain.ports import AccountRepository, Journal, Save, SessionRepository, Versioned
from broker.domain.session_denials import denial_of, leaders_of, revoked, tagged_beside_time
from broker.domain.sessions import LONGEST_OF_AWS, Session
from broker.services.ambient import Clock
from broker.services.calls import Call
from broker.services.paging import LIMIT, every
from broker.services.registered import registered
from broker.services.retrying import retried
from broker.services.revocation import entries

AT_ONCE = 50
"""Sessions that are written in one step."""

TOO_MANY = "all sessions so far, since too many were revoked one by one"
"""Why others end too where a policy has no room for more tags, as the ledger has it."""

_TRIES = 20
"""Writes of one account's record that meet take turns."""

Change = Callable[[Session], tuple[Session, Event] | None]
"""A session as it becomes, and the entry that says so; None where nothing is to be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnds:
    """Revokes sessions on paper; `services/revocation/enforcing.py` brings it into the accounts.

    Of the sessions that are revoked in one step, one for each access is the leader: the one that
    lives longest. AWS is asked about the leader (`next_probe_at`), and what is found holds for
    the others, which are denied by the same document.
    """

    journal: Journal
    accounts: AccountRepository
    sessions: SessionRepository
    longest_session: timedelta
    clock: Clock

    def end(
        self,
        account_id: AccountId,
        session_ids: Collection[SessionId],
        call: Call,
        *,
        reason: str | None,
    ) -> tuple[Session, ...]:
        """Revoke these sessions of the account, and give those that live, as they are then.

        Asking again changes nothing. Where too many are revoked one by one, all of the account
        are. Raises Conflict where others write the account all the time.
        """
        ended: list[Session] = []
        for chunk in _chunks(session_ids):
            ended += retried(partial(self._end, account_id, chunk, call, reason), tries=_TRIES)
        return tuple(ended)

    def end_all(
        self, account_id: AccountId, call: Call, *, reason: str | None
    ) -> tuple[Session, ...]:
        """Revoke every session of the account that was issued before now, and give those.

        Credentials that no record knows of, and that a token of ours led to, end with them. Raises
        NotFound, and Conflict like `end`.
        """
        now, living = retried(partial(self._deny_all, account_id, call, reason), tries=_TRIES)

        def follow(session: Session) -> tuple[Session, Event] | None:
            if session.revoked_at is not None:
                return None
            ended = revoked(session, now=now)
            return ended, entries.revoked(call, ended, reason=reason)

        followed = self.change(account_id, living, follow)
        return (*followed, *self._end_late(account_id, now, call, reason))

    def _end_late(
        self, account_id: AccountId, before: datetime, call: Call, reason: str | None
    ) -> tuple[Session, ...]:
        """End by tag what was recorded while all was being denied by time.

        AWS dates in whole seconds and by its own clock, so what was opened in that second may be
        dead or alive.
        """
        late = [
            session.session_id
            for session in self.living(account_id)
            if session.revoked_at is None and session.issued_at.replace(microsecond=0) < before
        ]
        return self.end(account_id, late, call, reason=reason)

    def end_living(
        self, account_id: AccountId, call: Call, *, reason: str | None
    ) -> tuple[Session, ...]:
        """Like `end_all`, for an account that denies all by time already: only where one lives."""
        if all(session.revoked_at is not None for session in self.living(account_id)):
            return ()
        return self.end_all(account_id, call, reason=reason)

    def denied(
        self, account_id: AccountId, session_ids: Collection[SessionId], call: Call
    ) -> tuple[Session, ...]:
        """Note that the Deny of these revoked sessions stands in the account."""
        now = self.clock()

        def deny(session: Session) -> tuple[Session, Event] | None:
            if session.revoked_at is None or session.denied_at is not None:
                return None
            denied = replace(session, denied_at=now)
            return denied, entries.denied(call, denied)

        return self.change(account_id, session_ids, deny)

    def refused(
        self,
        account_id: AccountId,
        session_ids: Collection[SessionId],
        call: Call,
        *,
        refused_at: datetime,
    ) -> tuple[Session, ...]:
        """Note that AWS was seen to refuse what these sessions do, which ends the asking."""

        def refuse(session: Session) -> tuple[Session, Event] | None:
            if session.revoked_at is None or session.refused_at is not None:
                return None
            refused = replace(
                session,
                denied_at=session.denied_at or refused_at,
                refused_at=refused_at,
                next_probe_at=None,
            )
            return refused, entries.refused(call, refused)

        return self.change(account_id, session_ids, refuse)

    def given_up(self, leader: Session, call: Call) -> None:
        """Note that its credentials have expired before AWS was seen to refuse them."""

        def give_up(session: Session) -> tuple[Session, Event] | None:
            if session.next_probe_at is None:
                return None
            return replace(session, next_probe_at=None), entries.never_refused(call, session)

        self.change(leader.account_id, [leader.session_id], give_up)

    def change(
        self, account_id: AccountId, session_ids: Collection[SessionId], change: Change
    ) -> tuple[Session, ...]:
        """Apply `change` to each of the sessions as it is by then, and give them all."""
        changed: list[Session] = []
        for chunk in _chunks(session_ids):
            changed += retried(partial(self._change, account_id, chunk, change), tries=_TRIES)
        return tuple(changed)

    def living(self, account_id: AccountId) -> tuple[Session, ...]:
        """Every session of the account whose credentials have not expired, revoked or not."""
        recent = self._recent(account_ids=[account_id], engineer=None)
        return tuple(session for session in recent if self._lives(session))

    def living_of(self, engineer: EngineerId) -> tuple[Session, ...]:
        """The same of one engineer, in all accounts."""
        recent = self._recent(account_ids=None, engineer=engineer)
        return tuple(session for session in recent if self._lives(session))

    def _end(
        self, account_id: AccountId, ids: Sequence[SessionId], call: Call, reason: str | None
    ) -> tuple[Session, ...]:
        found = self._found(ids)
        ending = [each for each in found if each.record.revoked_at is None]
        if not ending:
            return tuple(each.record for each in found)
        account = registered(self.accounts, account_id)
        now = self.clock()
        denied = [denial_of(each.record) for each in ending]
        if not account.record.revocations.has_room_for(denied, now=now):
            why = f"{TOO_MANY}: {reason}" if reason else TOO_MANY
            return self.end_all(account_id, call, reason=why)
        revocations = account.record.revocations.with_sessions(denied, now=now)
        leaders = leaders_of(each.record for each in ending)
        ended = [revoked(each.record, now=now, leaders=leaders) for each in ending]
        self.journal.record(
            chain_of(account_id),
            *(entries.revoked(call, session, reason=reason) for session in ended),
            now=now,
            saves=[
                *_saves(ended, ending),
                Save(
                    replace(account.record, revocations=revocations, next_check_at=now),
                    expected=account.version,
                ),
            ],
        )
        before = [each.record for each in found if each.record.revoked_at is not None]
        return (*before, *ended)

    def _deny_all(
        self, account_id: AccountId, call: Call, reason: str | None
    ) -> tuple[datetime, tuple[SessionId, ...]]:
        """Deny by time, and say so in the leaders' records; when that was, and for which sessions.

        A session that is recorded meanwhile is not among them: AWS may have dated it later.
        """
        account = registered(self.accounts, account_id)
        living = self.living(account_id)
        now = self.clock()
        ending = [session for session in living if session.revoked_at is None]
        leaders = leaders_of(ending)
        leading = self._found(leaders)
        led = [revoked(each.record, now=now, leaders=leaders) for each in leading]
        revocations = account.record.revocations.with_everything(
            issued_before=now,
            until=now + self.longest_session,
            by_tag=tagged_beside_time(living, leaders, now=now),
        )
        changed = replace(account.record, revocations=revocations, next_check_at=now)
        self.journal.record(
            chain_of(account_id),
            entries.all_revoked(call, account_id, sessions=len(ending), reason=reason),
            *(entries.revoked(call, session, reason=reason) for session in led),
            now=now,
            saves=[*_saves(led, leading), Save(changed, expected=account.version)],
        )
        return now, tuple(session.session_id for session in living)

    def _change(
        self, account_id: AccountId, ids: Sequence[SessionId], change: Change
    ) -> tuple[Session, ...]:
        found = {session_id: self.sessions.get(session_id) for session_id in ids}
        stored = {key: each for key, each in found.items() if each is not None}
        changes = {key: done for key, each in stored.items() if (done := change(each.record))}
        if changes:
            self.journal.record(
                chain_of(account_id),
                *(event for _, event in changes.values()),
                now=self.clock(),
                saves=[
                    Save(session, expected=stored[key].version)
                    for key, (session, _) in changes.items()
                ],
            )
        return tuple(
            changes[key][0] if key in changes else each.record for key, each in stored.items()
        )

    def _found(self, ids: Iterable[SessionId]) -> list[Versioned[Session]]:
        """Those of the sessions that still live."""
        found = (self.sessions.get(session_id) for session_id in ids)
        return [each for each in found if each is not None and self._lives(each.record)]

    def _recent(
        self, *, account_ids: Sequence[AccountId] | None, engineer: EngineerId | None
    ) -> Iterator[Session]:
        """Sessions that may still live, the newest first; what is older is not looked at."""
        oldest = self.clock() - LONGEST_OF_AWS
        newest_first = every(
            lambda cursor: self.sessions.page(
                account_ids=account_ids, engineer=engineer, cursor=cursor, limit=LIMIT
            )
        )
        return takewhile(lambda session: session.issued_at >= oldest, newest_first)

    def _lives(self, session: Session) -> bool:
        return session.expires_at > self.clock()


def _chunks(ids: Collection[SessionId]) -> Iterator[tuple[SessionId, ...]]:
    remaining = iter(dict.fromkeys(ids))
    while chunk := tuple(islice(remaining, AT_ONCE)):
        yield chunk


def _saves(ended: Iterable[Session], stored: Iterable[Versioned[Session]]) -> list[Save]:
    return [
        Save(session, expected=before.version)
        for session, before in zip(ended, stored, strict=True)
    ]
