"""Where a record must be findable, beside its own key.

Indexes in the slot of the record's chain change in one step with it. Those in the broker's slot
are written before that step, and only say where to look: a crash in between leaves an index
member without a record, which readers pass over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from broker.domain.accounts import Account
from broker.domain.grants import Grant
from broker.domain.hooks.records import Hook
from broker.domain.identifiers import AccountId, GrantId, SessionId
from broker.domain.identity.api_tokens import ApiToken
from broker.domain.ledger.checkpoints import Checkpoint
from broker.domain.ledger.entries import BROKER_CHAIN, Chain, chain_of
from broker.domain.ports import Record
from broker.domain.sessions import Session
from broker.domain.tickets import Ticket
from broker.store.keyspace import Keyspace

SESSION_MEMBER = re.compile(r"[0-9]{14}/[0-9]{12}/s-[0-9a-f]{20}")
GRANT_MEMBER = re.compile(r"[0-9]{14}/[0-9]{12}/gr-[0-9a-f]{20}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Addition:
    """A member to add to a sorted set."""

    index: str
    score: int
    member: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record is kept: its chain, its key, and the indexes that change with it."""

    chain: Chain
    key: str
    additions: tuple[Addition, ...] = ()


def place_of(record: Record, keyspace: Keyspace) -> Place:
    """Where `record` is kept."""
    match record:
        case Account():
            return Place(chain_of(record.account_id), keyspace.account(record.account_id))
        case Grant():
            return _place_of_grant(record, keyspace)
        case Session():
            return _place_of_session(record, keyspace)
        case Ticket():
            addition = Addition(keyspace.tickets, 0, record.ticket_id)
            return Place(BROKER_CHAIN, keyspace.ticket(record.ticket_id), (addition,))
        case ApiToken():
            addition = Addition(keyspace.api_tokens, 0, record.token_id)
            return Place(BROKER_CHAIN, keyspace.api_token(record.token_id), (addition,))
        case Hook():
            return Place(BROKER_CHAIN, keyspace.hook(record.hook_id))
        case Checkpoint(account_id=account_id, seq=seq):
            addition = Addition(keyspace.checkpoints(account_id), seq, str(seq))
            return Place(chain_of(account_id), keyspace.checkpoint(account_id, seq), (addition,))


def _place_of_grant(grant: Grant, keyspace: Keyspace) -> Place:
    of_engineer = keyspace.grants_of(grant.account_id, grant.engineer)
    return Place(
        chain_of(grant.account_id),
        keyspace.grant(grant.account_id, grant.grant_id),
        (
            Addition(of_engineer, milliseconds(grant.expires_at), grant.grant_id),
            Addition(keyspace.grants_in(grant.account_id), 0, grant_member(grant)),
        ),
    )


def _place_of_session(session: Session, keyspace: Keyspace) -> Place:
    under_grant = keyspace.sessions_under(session.account_id, session.grant_id)
    return Place(
        chain_of(session.account_id),
        keyspace.session(session.account_id, session.session_id),
        (
            Addition(keyspace.sessions_in(session.account_id), 0, session_member(session)),
            Addition(under_grant, 0, session.session_id),
        ),
    )


def milliseconds(moment: datetime) -> int:
    """Unix time in whole milliseconds."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000


def moment_of(milliseconds: int) -> datetime:
    """The moment of a Unix time in milliseconds."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def session_member(session: Session) -> str:
    """A session in an index: its text sorts by the time of issue and says where the record is."""
    issued = milliseconds(session.issued_at)
    return f"{issued:014d}/{session.account_id}/{session.session_id}"


def read_session_member(member: str) -> tuple[AccountId, SessionId]:
    """The account and the session that a member names."""
    _, account_id, session_id = member.split("/")
    return AccountId(account_id), SessionId(session_id)


def grant_member(grant: Grant) -> str:
    """A grant in an index: like a session's, by the time at which it was asked for."""
    asked = milliseconds(grant.created_at)
    return f"{asked:014d}/{grant.account_id}/{grant.grant_id}"


def read_grant_member(member: str) -> tuple[AccountId, GrantId]:
    """The account and the grant that a member names."""
    _, account_id, grant_id = member.split("/")
    return AccountId(account_id), GrantId(grant_id)
