"""Who looks at a page, and where they can go from there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from flask import request

from broker.domain.identifiers import AccountId
from broker.domain.identity.permissions import Action, Caller, Role, may_ever, permits
from broker.services.calls import Call


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the navigation."""

    label: str
    path: str
    current: bool


@dataclass(frozen=True, slots=True)
class _Destination:
    label: str
    path: str
    open_to: Callable[[Caller], bool]


def is_operator(caller: Caller) -> bool:
    """Whether the caller looks after all accounts, to run them or to audit them."""
    return not caller.account_ids and not caller.roles.isdisjoint(
        {Role.ADMIN, Role.AUDITOR, Role.CONSOLE}
    )


def works_on_tickets(caller: Caller) -> bool:
    """Whether the caller opens sessions for themselves; a console does it for others."""
    return not caller.roles.isdisjoint({Role.ENGINEER, Role.BREAK_GLASS})


def _may(action: Action) -> Callable[[Caller], bool]:
    return lambda caller: may_ever(caller, action)


_DESTINATIONS = (
    _Destination("Overview", "/overview", is_operator),
    _Destination("Tickets", "/tickets", works_on_tickets),
    _Destination("Requests", "/requests", _may(Action.READ_GRANT)),
    _Destination("Sessions", "/sessions", _may(Action.READ_SESSION)),
    _Destination("Accounts", "/accounts", _may(Action.READ_ACCOUNT)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """A signed-in person, as templates know them."""

    caller: Caller
    csrf_token: str = field(repr=False)
    links: tuple[Link, ...]

    @classmethod
    def of(cls, call: Call) -> Self:
        """The viewer of this request."""
        return cls(
            caller=call.caller,
            # Who calls with a bearer has no form of ours to send; an empty token fits nothing.
            csrf_token=call.csrf_token or "",
            links=tuple(
                Link(each.label, each.path, current=_is_at(each.path))
                for each in _DESTINATIONS
                if each.open_to(call.caller)
            ),
        )

    @property
    def subject(self) -> str:
        """Who they are."""
        return self.caller.subject

    @property
    def is_operator(self) -> bool:
        """Whether they may search through everything."""
        return is_operator(self.caller)

    def may(
        self, action: str, *, account_id: AccountId | None = None, engineer: str | None = None
    ) -> bool:
        """Whether a button for `action` is worth showing; the services decide in any case."""
        return permits(self.caller, Action(action), account_id=account_id, engineer=engineer)


def _is_at(path: str) -> bool:
    return request.path == path or request.path.startswith(f"{path}/")
