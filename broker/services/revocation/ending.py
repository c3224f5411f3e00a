"""Ending grants for good, and with each grant the sessions that were opened under it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from broker.domain.grant_decisions import revoked
from broker.domain.grants import Grant
from broker.domain.identifiers import AccountId, GrantId, SessionId
from broker.domain.ledger.entries import chain_of
from broker.domain.ports import GrantRepository, Journal, Save, SessionRepository
from broker.domain.sessions import Session
from broker.errors import Conflict, NotFound
from broker.services.ambient import Clock
from broker.services.calls import Call
from broker.services.revocation import entries
from broker.services.revocation.enforcing import Enforcing
from broker.services.revocation.session_ends import SessionEnds

_TRIES = 20
"""Writes of one grant that meet take turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Ends grants. The grant is written first, and its sessions are looked for after that: a
    session is recorded only under a grant that has not changed meanwhile, so none escapes.

    Whether the caller may do this was decided before.
    """

    journal: Journal
    grants: GrantRepository
    sessions: SessionRepository
    ends: SessionEnds
    enforcing: Enforcing
    clock: Clock

    def end_grant(self, grant_id: GrantId, call: Call, *, reason: str) -> tuple[Session, ...]:
        """End one grant, or a request for one; see `end_grants`."""
        return self.end_grants([grant_id], call, reason=reason)

    def end_grants(
        self, grant_ids: Sequence[GrantId], call: Call, *, reason: str
    ) -> tuple[Session, ...]:
        """End the grants, and revoke the sessions under them that live; these, as they are then.

        Returns once AWS has been told, as far as it answers: `denied_at` says so for each session,
        and the worker goes on with the others. Asking again is safe, and finds what an earlier
        try left undone. Raises NotFound for a grant that does not exist, and
        StoreUnavailable.
        """
        return self.enforcing.wherever(self.write_down(grant_ids, call, reason=reason), call)

    def write_down(
        self, grant_ids: Sequence[GrantId], call: Call, *, reason: str
    ) -> tuple[Session, ...]:
        """Like `end_grants`, but leave it to the caller, or to the worker, to tell AWS."""
        sessions: dict[AccountId, list[SessionId]] = {}
        for grant in self.end_only(grant_ids, call, reason=reason):
            opened = self.sessions.of_grant(grant.account_id, grant.grant_id)
            ids = [each.record.session_id for each in opened]
            sessions.setdefault(grant.account_id, []).extend(ids)
        return tuple(
            session
            for account_id, ids in sessions.items()
            for session in self.ends.end(account_id, ids, call, reason=reason)
        )

    def end_only(
        self, grant_ids: Sequence[GrantId], call: Call, *, reason: str
    ) -> tuple[Grant, ...]:
        """The grants, ended; for whoever sees to the sessions under them in another way."""
        return tuple(self._ended(grant_id, call, reason) for grant_id in grant_ids)

    def _ended(self, grant_id: GrantId, call: Call, reason: str) -> Grant:
        for _ in range(_TRIES):
            stored = self.grants.get(grant_id)
            if stored is None:
                raise NotFound("No such grant.")
            now = self.clock()
            ended = revoked(stored.record, reason=reason, now=now)
            if ended is None:
                return stored.record
            with suppress(Conflict):
                self.journal.record(
                    chain_of(ended.account_id),
                    entries.grant_revoked(call, ended, reason=reason),
                    now=now,
                    saves=[Save(ended, expected=stored.version)],
                )
                return ended
        raise Conflict("The grant is being changed by others. Try again.")
