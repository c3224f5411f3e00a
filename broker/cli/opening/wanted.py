"""Which session a command wants: the options that name it, the same for every such command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import click

from broker import contract
from broker.cli.grammar.lengths import Length
from broker.cli.grammar.parsed import Parsed
from broker.cli.identity.completing import complete_account, complete_ticket
from broker.contract.sessions import SessionBody
from broker.domain.grants import Access
from broker.domain.identifiers import AccountId, GrantId, ServiceName, TicketId

GRANT_SECONDS = 14_400
"""For how long a grant is asked for where nobody says how long."""

Command = TypeVar("Command", bound=Callable[..., object])


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedSession:
    """A session as the options name it; None is what they do not name."""

    account_id: AccountId | None
    ticket: TicketId | None
    access: Access | None
    reason: str
    duration_seconds: int | None
    services: tuple[ServiceName, ...]
    grant_id: GrantId | None

    def at(self, account_id: AccountId, ticket: TicketId) -> NamedSession:
        """The same, for this account and ticket."""
        return NamedSession(account_id, ticket, self)


@dataclass(frozen=True, slots=True)
class NamedSession:
    """A wanted session of which account and ticket are known: what a broker can be asked for."""

    account_id: AccountId
    ticket: TicketId
    wanted: WantedSession

    @property
    def access(self) -> Access:
        """Reading, where nobody says otherwise."""
        return self.wanted.access or Access.READ

    def body(self) -> SessionBody:
        """What opens it. What was not given is not sent: it is the broker's to choose."""
        given: dict[str, Any] = {
            "reason": self.wanted.reason,
            "duration_seconds": self.wanted.duration_seconds,
            "services": list(self.wanted.services),
            "grant_id": self.wanted.grant_id,
        }
        return SessionBody(
            account_id=self.account_id,
            ticket=self.ticket,
            access=self.access,
            **{name: value for name, value in given.items() if value},
        )

    def grant_body(self, *, reason: str, duration_seconds: int) -> contract.grants.GrantBody:
        """What asks for a grant for it."""
        return contract.grants.GrantBody(
            account_id=self.account_id,
            ticket=self.ticket,
            access=self.access,
            reason=reason,
            duration_seconds=duration_seconds,
        )


_SERVICES = click.option(
    "--service",
    "services",
    multiple=True,
    type=Parsed(ServiceName, "service"),
    help="Narrow the session to a service, as in IAM actions (ec2); may be repeated.",
)
_OPTIONS = (
    click.option(
        "--account",
        type=Parsed(AccountId, "account"),
        shell_complete=complete_account,
        help="AWS account id, twelve digits. Left out in a terminal: pick one.",
    ),
    click.option(
        "--ticket",
        type=Parsed(TicketId, "ticket"),
        shell_complete=complete_ticket,
        help="The open support ticket that is the reason. Left out in a terminal: pick one.",
    ),
    click.option(
        "--access",
        type=click.Choice([access.value for access in Access]),
        show_default=Access.READ.value,
        help="Read the account, or raise AWS support cases for it.",
    ),
    click.option("--reason", default="", help="What you are going to do; the customer reads it."),
    click.option(
        "--duration",
        type=Length(least=900),
        show_default="an hour, or what is left of the grant",
        help="How long the credentials last: 15m or longer, as 1h, 90m or in seconds.",
    ),
    _SERVICES,
    click.option(
        "--grant",
        "grant_id",
        type=Parsed(GrantId, "grant"),
        help="Under this grant and no other.",
    ),
)


def names_a_session(command: Command) -> Command:
    """Add the options that name a session; the command gets them as `wanted: WantedSession`."""
    return _naming(command, _OPTIONS)


def names_a_whole_session(command: Command) -> Command:
    """The same for a command whose sessions are not narrowed: `--service` is free for it."""
    return _naming(command, tuple(option for option in _OPTIONS if option is not _SERVICES))


def _naming(command: Command, options: Sequence[Callable[[Any], Any]]) -> Command:
    @wraps(command)
    def with_wanted(
        *,
        account: AccountId | None,
        ticket: TicketId | None,
        access: str | None,
        reason: str,
        duration: int | None,
        grant_id: GrantId | None,
        services: tuple[ServiceName, ...] = (),
        **others: Any,
    ) -> object:
        wanted = WantedSession(
            account_id=account,
            ticket=ticket,
            access=None if access is None else Access(access),
            reason=reason,
            duration_seconds=duration,
            services=services,
            grant_id=grant_id,
        )
        return command(wanted=wanted, **others)

    decorated: Any = with_wanted
    for option in reversed(options):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]
