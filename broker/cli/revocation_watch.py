"""How far revocations have come, as `broker revoke` watches them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Literal, Self

import click
from pydantic import BaseModel, ValidationError

from broker.cli.asking import all_items
from broker.cli.client import BrokerClient, not_a_broker

_EVERY_SECONDS = 1.0


class RevocationShown(BaseModel):
    """How far one revocation has come."""

    state: Literal["pending", "applied", "effective"]
    seconds: float | None


class _SessionShown(BaseModel):
    id: str
    account_id: str
    revocation: RevocationShown | None


class Ended(BaseModel):
    """What was ended, as much of the answer as is told."""

    sessions: list[str]
    accounts: list[str]
    grants: int
    state: Literal["pending", "applied"]
    seconds: float

    @classmethod
    def read(cls, answer: object, url: str) -> Self:
        """Raises CommandFailed for what is no answer of a broker."""
        try:
            return cls.model_validate(answer)
        except ValidationError as e:
            raise not_a_broker(url) from e

    def sentence(self) -> str:
        """What was ended, and whether AWS was told."""
        if not (self.grants or self.sessions or self.accounts):
            return "Nothing was found to end. `broker sessions list` shows how names are spelt."
        what = (
            f"{_counted(self.grants, 'grant')} and {_counted(len(self.sessions), 'session')} "
            f"in {_counted(len(self.accounts), 'account')}"
        )
        if self.state == "pending":
            return f"Ended {what}. AWS does not take all of it yet; it is tried again by itself."
        return f"Ended {what}. The Deny stands after {self.seconds:.1f} s."


def ended_session(answer: object, url: str) -> Ended:
    """What a single session's revocation has ended. Raises like `Ended.read`."""
    try:
        session = _SessionShown.model_validate(answer)
    except ValidationError as e:
        raise not_a_broker(url) from e
    reached = session.revocation
    return Ended(
        sessions=[session.id],
        accounts=[session.account_id],
        grants=0,
        state="pending" if reached is None or reached.state == "pending" else "applied",
        seconds=0 if reached is None else reached.seconds or 0,
    )


def watch(
    broker: BrokerClient, url: str, session_ids: Iterable[str], *, seconds: float
) -> Mapping[str, RevocationShown]:
    """How far each session's revocation has come once all are effective, or that time is over.

    Each step forward is told on standard error.
    """
    deadline = time.monotonic() + seconds
    wanted = frozenset(session_ids)
    told = 0
    while True:
        reached = _reached(broker, url, wanted)
        effective = sum(each.state == "effective" for each in reached.values())
        if effective != told:
            click.echo(f"AWS refuses {effective} of {len(wanted)}.", err=True)
            told = effective
        if effective == len(wanted) or time.monotonic() >= deadline:
            return reached
        time.sleep(_EVERY_SECONDS)


def _reached(
    broker: BrokerClient, url: str, wanted: frozenset[str]
) -> Mapping[str, RevocationShown]:
    """Read from the list of sessions, whose newest parts hold all that can still be alive."""
    found: dict[str, RevocationShown] = {}
    if not wanted:
        return found
    for item in all_items(broker, url, "/v1/sessions"):
        try:
            session = _SessionShown.model_validate(item)
        except ValidationError as e:
            raise not_a_broker(url) from e
        if session.id in wanted and session.revocation is not None:
            found[session.id] = session.revocation
            if len(found) == len(wanted):
                break
    return found


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
