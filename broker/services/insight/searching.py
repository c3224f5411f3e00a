"""Finding what a few words mean: an account, a customer, a ticket, an engineer, a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from broker.domain.accounts import Account
from broker.domain.identifiers import EngineerId
from broker.domain.identity.permissions import Action, may_ever
from broker.domain.ports import Page
from broker.domain.sessions import Session
from broker.domain.tickets import Ticket
from broker.services.calls import Call
from broker.services.paging import LIMIT, every
from broker.services.reading import Reading, Window

T = TypeVar("T")
_MOST = 5000
"""Of each kind, so many are looked through."""

_SHOWN = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found, of each kind the first few; `sessions` are those of an engineer."""

    accounts: tuple[Account, ...]
    tickets: tuple[Ticket, ...]
    sessions: tuple[Session, ...]

    def __bool__(self) -> bool:
        return bool(self.accounts or self.tickets or self.sessions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Looks through what the caller may see, and through no more than so many of each kind."""

    reading: Reading

    def __call__(self, words: str, call: Call) -> Found:
        """What has `words` in its id, its customer's name or its subject, or is an engineer's."""
        wanted = words.casefold()
        return Found(
            accounts=_first(
                self._all(self.reading.account_page, Action.READ_ACCOUNT, call),
                lambda each: wanted in f"{each.account_id} {each.customer}".casefold(),
            ),
            tickets=_first(
                self._all(self.reading.ticket_page, Action.READ_TICKET, call),
                lambda each: wanted in f"{each.ticket_id} {each.subject}".casefold(),
            ),
            sessions=self._of_engineer(words, call),
        )

    def _of_engineer(self, words: str, call: Call) -> tuple[Session, ...]:
        try:
            engineer = EngineerId.parse(words)
        except ValueError:
            return ()
        if not may_ever(call.caller, Action.READ_SESSION):
            return ()
        window = Window(_SHOWN, None)
        return self.reading.session_page(window, call, account_id=None, engineer=engineer).items

    def _all(
        self, page: Callable[[Window, Call], Page[T]], action: Action, call: Call
    ) -> Iterator[T]:
        # Who may not read these at all finds none, and is not refused: nothing was asked for.
        if not may_ever(call.caller, action):
            return iter(())
        return islice(every(lambda cursor: page(Window(LIMIT, cursor), call)), _MOST)


def _first(found: Iterator[T], fits: Callable[[T], bool]) -> tuple[T, ...]:
    return tuple(islice(filter(fits, found), _SHOWN))
