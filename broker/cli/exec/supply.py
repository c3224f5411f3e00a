"""The credentials that `broker exec` holds, in its memory only, and when it asks for others.

A session is asked for anew when COMMAND asks and less than half of it is left, or 20 minutes:
SDKs ask when 5 to 15 minutes are left. SDKs wait for a second or two, so while what we hold is
good, nobody waits longer than `SOON` for what is better; all who ask meanwhile share one session.

Where the broker refuses, access has ended: the sessions are revoked as well, so what we hold is
dropped and the reason is told. Where it cannot be asked, or the refusal is not about the access
itself, what we hold is served until it ends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

import click

from broker.cli.exec.ending import SESSION_REVOKED, AccessEnded, Sessions
from broker.client.errors import ClientError, ProblemAnswered
from broker.contract.sessions import CredentialsAnswer, OpenedSessionAnswer

SOON, LONG = 0.7, 55.0
"""Seconds to wait for an answer of the broker, with good credentials in hand and without."""

_MARGIN = timedelta(minutes=20)
_LOOKS_EVERY = timedelta(seconds=5)
_ASKS_AGAIN_AFTER = timedelta(seconds=10)

_ABOUT_SOMETHING_ELSE = frozenset({"account_not_active", "duration_too_long", "unauthenticated"})
"""Refusals of a new session that end no old one: an account in repair, a grant that ends before a
new session would, a sign-in that is over."""

_AHEAD = "By this machine's clock credentials are over before they come. Set the clock."


class Purpose(Enum):
    """What the broker is asked for."""

    LOOK = "whether the session still stands"
    RENEW = "a new session, if it is time"


class NotNow(Exception):
    """No credentials, for want of an answer: the same question may be answered later."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


@dataclass(frozen=True, slots=True)
class _Held:
    """A session, and when it has lived so long that another one is asked for."""

    opened: OpenedSessionAnswer
    stale_at: datetime

    @classmethod
    def of(cls, opened: OpenedSessionAnswer, now: datetime) -> _Held:
        left = opened.credentials.expiration - now
        return cls(opened, opened.credentials.expiration - min(left / 2, _MARGIN))


class Supply:
    """Credentials for COMMAND, as long as there is access. Safe to be asked by many threads."""

    def __init__(
        self,
        first: OpenedSessionAnswer,
        sessions: Sessions,
        *,
        tell: Callable[[str], None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`tell` says a sentence to the person at the terminal."""
        self._sessions = sessions
        self._tell = tell
        self._clock = clock
        self._lock = threading.Lock()
        self._held: _Held | None = _Held.of(first, clock())
        self._ended: AccessEnded | None = None
        self._trouble: NotNow | None = None
        self._looked_at = self._asked_at = clock()
        self._attempt: threading.Event | None = None
        self.session_ids = [first.session.id]

    def credentials(self) -> CredentialsAnswer:
        """What is good now. Raises AccessEnded with the reason, NotNow where nobody knows."""
        self._attempted(Purpose.RENEW)
        with self._lock:
            held = self._good()
            if held is not None:
                return held.opened.credentials
            raise (
                self._ended
                or self._trouble
                or NotNow("The broker has not answered yet.", code="broker_unreachable")
            )

    def look(self) -> None:
        """See whether the session still stands, so that its end is told though nobody asks."""
        self._attempted(Purpose.LOOK)

    def _attempted(self, purpose: Purpose) -> None:
        """Ask the broker, if it is time; returns when it has answered, or has taken too long.

        The question goes on in a thread of its own: whoever comes again may find it answered.
        """
        with self._lock:
            good = self._good() is not None
            if self._attempt is None and self._is_due(purpose):
                self._attempt = threading.Event()
                threading.Thread(
                    target=self._ask, args=(purpose, self._attempt), daemon=True
                ).start()
            attempt = self._attempt
        if attempt is not None:
            attempt.wait(SOON if good else LONG)

    def _good(self) -> _Held | None:
        """What is held, if AWS still takes it."""
        if self._held is None or self._clock() >= self._held.opened.credentials.expiration:
            return None
        return self._held

    def _is_due(self, purpose: Purpose) -> bool:
        now = self._clock()
        if self._good() is not None and now >= self._looked_at + _LOOKS_EVERY:
            return True
        return purpose is Purpose.RENEW and self._is_renewal_due(now)

    def _is_renewal_due(self, now: datetime) -> bool:
        if self._ended is not None and self._ended.code == SESSION_REVOKED:
            # Somebody ended this session and nothing else. It is not for us to undo that.
            return False
        if (self._ended or self._trouble) and now < self._asked_at + _ASKS_AGAIN_AFTER:
            return False
        return self._held is None or now >= self._held.stale_at

    def _ask(self, purpose: Purpose, attempt: threading.Event) -> None:
        try:
            self._see_whether_it_stands()
            if purpose is Purpose.RENEW and self._is_renewal_due(self._clock()):
                self._asked_at = self._clock()
                self._take(self._sessions.open())
        except AccessEnded as e:
            self._end(e)
        except ProblemAnswered as e:
            if e.may_pass or e.code in _ABOUT_SOMETHING_ELSE:
                self._note(NotNow(e.detail, code=e.code))
            else:
                self._end(AccessEnded(e.detail, code=e.code))
        except ClientError as e:
            self._note(NotNow(str(e), code="broker_unreachable"))
        except click.ClickException as e:
            # Nobody is signed in any more, and who is again is asked for again.
            self._note(NotNow(e.message, code="not_signed_in"))
        finally:
            with self._lock:
                self._attempt = None
            attempt.set()

    def _see_whether_it_stands(self) -> None:
        """Raises AccessEnded where the session that is held was revoked, and why."""
        held = self._good()
        if held is not None and self._clock() >= self._looked_at + _LOOKS_EVERY:
            self._looked_at = self._clock()
            self._sessions.require_standing(held.opened.session)

    def _take(self, opened: OpenedSessionAnswer) -> None:
        with self._lock:
            back = self._ended or self._trouble
            self._held = _Held.of(opened, self._clock())
            self._ended = self._trouble = None
            self._looked_at = self._clock()
            self.session_ids.append(opened.session.id)
            useless = self._good() is None
        if useless:
            # Without a pause each request of COMMAND would open another one that is of no use.
            self._note(NotNow(_AHEAD, code="clock_is_ahead"))
        elif back:
            self._tell("There is access again.")

    def _end(self, ended: AccessEnded) -> None:
        """Drop what is held, and tell why, once for each reason."""
        with self._lock:
            before, self._ended, self._held = self._ended, ended, None
        if before is None or before.code != ended.code:
            self._tell(f"Access has ended: {ended.message} [{ended.code}]")

    def _note(self, trouble: NotNow) -> None:
        """Remember what hinders, and tell it once; what is held stays."""
        with self._lock:
            before, self._trouble = self._trouble, trouble
            held = self._good()
        if before is None or before.code != trouble.code:
            until = f" Credentials end at {_time(held)}." if held else ""
            self._tell(f"No new credentials for now: {trouble.message} [{trouble.code}]{until}")


def _time(held: _Held) -> str:
    """When it ends, on the wall clock of whoever reads it."""
    return held.opened.credentials.expiration.astimezone().strftime("%H:%M:%S")
