"""Which session leads to the console, with which keys, and until when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from broker.domain.console import NoConsole, objection
from broker.domain.grants import Access
from broker.domain.identifiers import AccountId, EngineerId, GrantId, SessionId, TicketId
from broker.domain.sessions import Session

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
SESSION = Session(
    session_id=SessionId.parse(f"s-{'0' * 20}"),
    account_id=AccountId.parse("111122223333"),
    ticket_id=TicketId.parse("T-1"),
    engineer=EngineerId.parse("jane"),
    access=Access.READ,
    grant_id=GrantId.parse(f"gr-{'0' * 20}"),
    role_arn="arn:aws:iam::111122223333:role/Acme-Support-ReadOnly",
    role_session_name="jane@T-1-00000000",
    access_key_id="ASIA0123456789ABCDEF",
    kid="kid",
    jti="jti",
    services=(),
    issued_at=NOW - timedelta(hours=1),
    expires_at=NOW,
)
ALMOST = NOW - timedelta(microseconds=1)
REVOKED = replace(SESSION, revoked_at=NOW - timedelta(minutes=1))
OWN, OTHER = SESSION.access_key_id, "ASIA0123456789ABCDEG"


@pytest.mark.parametrize(
    ("session", "key_id", "now", "expected"),
    [
        (SESSION, OWN, ALMOST, None),
        (SESSION, OWN, NOW, NoConsole.EXPIRED),
        (SESSION, OTHER, ALMOST, NoConsole.OTHER_KEYS),
        (SESSION, OWN.lower(), ALMOST, NoConsole.OTHER_KEYS),
        (REVOKED, OWN, ALMOST, NoConsole.REVOKED),
        (REVOKED, OWN, NOW, NoConsole.REVOKED),
        (REVOKED, OTHER, NOW, NoConsole.OTHER_KEYS),
    ],
)
def test_what_stands_in_the_way(session, key_id, now, expected):
    """Whoever has not the session's keys is told nothing else of it."""
    assert objection(session, key_id, now=now) is expected
