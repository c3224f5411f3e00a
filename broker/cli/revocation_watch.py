"""How far revocations have come, as `broker revoke` watches them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from broker.cli.progress import Unit, waiting
from broker.client.broker import Broker
from broker.client.paging import every
from broker.contract.base import AccountListQuery
from broker.contract.revocations import ManyRevokedAnswer
from broker.contract.sessions import RevocationAnswer, SessionAnswer
from broker.domain.identifiers import AccountId, SessionId

_EVERY_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What was ended, as much of it as is told; `seconds` is None where AWS was not told all."""

    sessions: Sequence[SessionId]
    accounts: Sequence[AccountId]
    grants: int
    seconds: float | None

    @classmethod
    def one(cls, session: SessionAnswer) -> Ended:
        """What a single session's revocation has ended."""
        reached = session.revocation
        return cls(
            sessions=(session.id,),
            accounts=(session.account_id,),
            grants=0,
            seconds=None if reached is None else reached.seconds,
        )

    @classmethod
    def many(cls, revoked: ManyRevokedAnswer) -> Ended:
        """What was ended at once."""
        return cls(
            sessions=revoked.sessions,
            accounts=revoked.accounts,
            grants=revoked.grants,
            seconds=None if revoked.state == "pending" else revoked.seconds,
        )

    def sentence(self) -> str:
        """What was ended, and whether AWS was told."""
        if not (self.grants or self.sessions or self.accounts):
            return "Nothing was found to end. `broker sessions list` shows how names are spelt."
        what = (
            f"{_counted(self.grants, 'grant')} and {_counted(len(self.sessions), 'session')} "
            f"in {_counted(len(self.accounts), 'account')}"
        )
        if self.seconds is None:
            return f"Ended {what}. AWS does not take all of it yet; it is tried again by itself."
        return f"Ended {what}. The Deny stands after {self.seconds:.1f} s."


def watch(
    broker: Broker, session_ids: Iterable[SessionId], *, seconds: float
) -> Mapping[SessionId, RevocationAnswer]:
    """How far each session's revocation has come once all are effective, or that time is over.

    Each step forward is told on standard error.
    """
    deadline = time.monotonic() + seconds
    wanted = frozenset(session_ids)
    told = 0
    with waiting("AWS is asked …", unit=Unit.STEPS, total=len(wanted)) as progress:
        while True:
            reached = _reached(broker, wanted)
            effective = sum(each.state == "effective" for each in reached.values())
            if effective != told:
                progress.tell(f"AWS refuses {effective} of {len(wanted)}.")
                progress.advance(effective - told)
                told = effective
            if effective == len(wanted) or time.monotonic() >= deadline:
                return reached
            time.sleep(_EVERY_SECONDS)


def _reached(broker: Broker, wanted: frozenset[SessionId]) -> Mapping[SessionId, RevocationAnswer]:
    """Read from the list of sessions, whose newest parts hold all that can still be alive."""
    found: dict[SessionId, RevocationAnswer] = {}
    if not wanted:
        return found
    for session in every(broker.list_sessions, AccountListQuery()):
        if session.id in wanted and session.revocation is not None:
            found[session.id] = session.revocation
            if len(found) == len(wanted):
                break
    return found


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
