"""Everything at a glance, for whoever runs or audits the broker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from broker.domain.accounts import LEAVING, WITHOUT_ROLES, Account, AccountState
from broker.domain.identity.permissions import Action
from broker.domain.ports import AccountRepository, Page, SessionRepository, Tally
from broker.domain.sessions import Session, is_live
from broker.services.ambient import Clock
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.paging import LIMIT, every
from broker.services.tallying import OPENED, REFUSED, Tallies, hour_of
from keys.rotation_plan import ForgetKey, RotationPolicy, Step, upcoming

_MOST_ACCOUNTS = 5000
_MOST_LIVE = 200
_SOONEST = 8


@dataclass(frozen=True, slots=True)
class KeyStep:
    """What is to be done with an account's keys, and from when on."""

    account: Account
    at: datetime
    step: Step


@dataclass(frozen=True, slots=True)
class Hour:
    """What an hour saw of requests for sessions."""

    begins: datetime
    opened: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """The last hours, the present one last; `refusals` by code, the most frequent first."""

    hours: tuple[Hour, ...]
    refusals: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """How everything stands. `whole` is whether no account was left out for their number."""

    states: Mapping[AccountState, int]
    switched_off: int
    """Accounts, of whatever state, whose customers let nobody in."""

    degraded: tuple[Account, ...]
    without_roles: tuple[Account, ...]
    key_steps: tuple[KeyStep, ...]
    live: tuple[Session, ...]
    activity: Activity
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Overviews:
    """Reads everything once; the caller must be one who may see all of it."""

    accounts: AccountRepository
    sessions: SessionRepository
    tallies: Tallies
    rotation: RotationPolicy
    gate: Gate
    clock: Clock

    def __call__(self, call: Call, *, hours: int = 48) -> Overview:
        """How everything stands now. Raises AccessDenied."""
        self.gate.require(call, Action.READ_ACCOUNT)
        tallies = self.tallies.last(hours, call)
        accounts = list(islice(every(self._accounts), _MOST_ACCOUNTS))
        return Overview(
            states=Counter(account.state for account in accounts),
            switched_off=sum(account.is_switched_off for account in accounts),
            degraded=_in_states(accounts, AccountState.DEGRADED),
            without_roles=_in_states(accounts, *WITHOUT_ROLES),
            key_steps=self._key_steps(accounts),
            live=self._live(),
            activity=_activity(tallies, hours=hours, now=self.clock()),
            whole=len(accounts) < _MOST_ACCOUNTS,
        )

    def _accounts(self, cursor: str | None) -> Page[Account]:
        return self.accounts.page(cursor=cursor, limit=LIMIT)

    def _live(self) -> tuple[Session, ...]:
        """The newest sessions, of those that have not ended."""
        now = self.clock()
        part = self.sessions.page(account_ids=None, engineer=None, cursor=None, limit=_MOST_LIVE)
        return tuple(session for session in part.items if is_live(session, now))

    def _key_steps(self, accounts: Sequence[Account]) -> tuple[KeyStep, ...]:
        steps = (
            KeyStep(account, due.at, due.step)
            for account in accounts
            if account.state not in (*LEAVING, *WITHOUT_ROLES)
            for due in upcoming(account.keys, self.rotation, asked_at=account.rotation_asked_at)
            if not isinstance(due.step, ForgetKey)
        )
        return tuple(sorted(steps, key=lambda step: step.at)[:_SOONEST])


def _in_states(accounts: Sequence[Account], *states: AccountState) -> tuple[Account, ...]:
    return tuple(account for account in accounts if account.state in states)


def _activity(tallies: Sequence[Tally], *, hours: int, now: datetime) -> Activity:
    opened: Counter[datetime] = Counter()
    refused: Counter[datetime] = Counter()
    codes: Counter[str] = Counter()
    for tally in tallies:
        if tally.name == OPENED:
            opened[tally.hour] += tally.count
        elif tally.name.startswith(f"{REFUSED} "):
            refused[tally.hour] += tally.count
            codes[tally.name.removeprefix(f"{REFUSED} ")] += tally.count
    this = hour_of(now)
    begins = [this - timedelta(hours=back) for back in reversed(range(hours))]
    return Activity(
        hours=tuple(Hour(each, opened[each], refused[each]) for each in begins),
        refusals=tuple(codes.most_common()),
    )
