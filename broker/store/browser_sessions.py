"""Who is signed in, and who is about to be: kept for as long as it counts, and no longer.

Each lies under the SHA-256 of what the browser holds, in one string that the server expires.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from broker.domain.identity.browser_sessions import ATTEMPT_LASTS, BrowserSession, SignInAttempt
from broker.store.connection import Connection
from broker.store.keyspace import Keyspace
from broker.store.records import Codec

SESSION = Codec("browser_session", BrowserSession, schema=1)
ATTEMPT = Codec("sign_in_attempt", SignInAttempt, schema=1)

_MILLISECOND = timedelta(milliseconds=1)


class BrowserSessions:
    """The BrowserSessionRepository of a Redis server."""

    def __init__(self, connection: Connection, keyspace: Keyspace) -> None:
        self._connection = connection
        self._keyspace = keyspace

    def begin(self, attempt: SignInAttempt) -> None:
        """See BrowserSessionRepository."""
        key = self._keyspace.sign_in_attempt(attempt.digest)
        self._keep(key, ATTEMPT.encode(attempt), lasts=ATTEMPT_LASTS)

    def take(self, digest: str) -> SignInAttempt | None:
        """See BrowserSessionRepository. If its answer is lost on the way, so is the attempt."""
        text = self._connection.send("GETDEL", self._keyspace.sign_in_attempt(digest))
        return None if text is None else ATTEMPT.decode(text)

    def open(self, session: BrowserSession, *, lasts: timedelta) -> None:
        """See BrowserSessionRepository."""
        key = self._keyspace.browser_session(session.digest)
        self._keep(key, SESSION.encode(session), lasts=lasts)

    def get(self, digest: str) -> BrowserSession | None:
        """See BrowserSessionRepository."""
        keyspace = self._keyspace
        ended, text = self._connection.send(
            "MGET", keyspace.ended_browser_session(digest), keyspace.browser_session(digest)
        )
        found = ended or text
        return None if found is None else SESSION.decode(found)

    def prolong(self, session: BrowserSession, *, lasts: timedelta) -> None:
        """See BrowserSessionRepository."""
        key = self._keyspace.browser_session(session.digest)
        # XX: what is gone stays gone.
        self._connection.send("SET", key, SESSION.encode(session), "PX", _milliseconds(lasts), "XX")

    def end(self, session: BrowserSession, *, lasts: timedelta) -> None:
        """See BrowserSessionRepository.

        The end has a key of its own, which counts before the session's: so a request that
        prolongs the session at the same moment cannot undo it.
        """
        ended = SESSION.encode(replace(session, signed_out=True))
        self._keep(self._keyspace.ended_browser_session(session.digest), ended, lasts=lasts)
        self._connection.send("DEL", self._keyspace.browser_session(session.digest))

    def _keep(self, key: str, text: str, *, lasts: timedelta) -> None:
        self._connection.send("SET", key, text, "PX", _milliseconds(lasts))


def _milliseconds(lasts: timedelta) -> int:
    """At least one: the server takes no less, and what has ended is gone a moment later."""
    return max(1, lasts // _MILLISECOND)
