"""The customer's trail against the ledger, both ways: what only one of them knows.

What AWS gave out is told apart by the id of the access key, which AWS alone chooses. A session
that the broker asked for and of which no outcome was written, since it crashed or AWS's answer
was lost, has no such id in the ledger: its name explains one event for each time that the broker
asked, and for each role, no more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter

from broker.domain.identifiers import EngineerId, SessionId, TicketId
from broker.domain.ledger.entries import LedgerAction, LedgerEntry, Outcome
from broker.domain.sessions import role_session_name
from broker.domain.trail.events import TrailEvent
from broker.domain.trail.own_sessions import OWN_ACCESS_KEYS, OWN_SESSION, OWN_SESSION_NAME


@dataclass(slots=True, kw_only=True)
class KnownSession:
    """What the ledger has of one session: `keys` are its access keys, with when each was noted.

    `unsettled` counts how often the broker asked AWS for it without noting a key.
    """

    session_id: str
    name: str
    keys: dict[str, datetime] = field(default_factory=dict)
    unsettled: int = 0

    def note(self, entry: LedgerEntry, keys: Iterable[str]) -> None:
        """Take in what one entry says of it."""
        given = dict.fromkeys(keys, datetime.fromisoformat(entry.at))
        self.keys.update(given)
        self.unsettled += (entry.outcome == Outcome.INTENDED) - bool(given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """What makes an exchange one of ours: a support role, or the account's issuer.

    `role_arns` is what the ARNs of all support roles begin with, `issuer` the issuer without its
    scheme.
    """

    role_arns: str
    issuer: str

    def owns(self, event: TrailEvent) -> bool:
        """Whether the ledger has to know of it; an exchange that tells neither is ours too."""
        tells_nothing = not event.role_arn and not event.identity_provider
        return (
            tells_nothing
            or event.role_arn.startswith(self.role_arns)
            or self.issuer in event.identity_provider
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A session that the ledger has as opened and the trail does not show."""

    session_id: str
    role_session_name: str
    access_key_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What became of each event and of each session.

    `unfinished` are events of sessions that the broker asked for without noting an outcome;
    `unknown` those that it never asked for: somebody else holds a key, or a trust policy is open.
    """

    matched: int
    unfinished: tuple[TrailEvent, ...]
    unknown: tuple[TrailEvent, ...]
    missing: tuple[Missing, ...]


def known_sessions(entries: Iterable[LedgerEntry]) -> Mapping[str, KnownSession]:
    """The sessions that these entries of an account's chain speak of, by role session name."""
    known: dict[str, KnownSession] = {}
    for entry in entries:
        for session_id, name, keys in _named(entry):
            session = known.setdefault(name, KnownSession(session_id=session_id, name=name))
            session.note(entry, keys)
    return known


def _named(entry: LedgerEntry) -> Iterable[tuple[str, str, list[str]]]:
    """Which session an entry speaks of, and the access keys it names: an engineer's or ours."""
    if OWN_SESSION in entry.ids:
        keys = entry.details.get(OWN_ACCESS_KEYS, [])
        name = str(entry.details.get(OWN_SESSION_NAME, ""))
        yield entry.ids[OWN_SESSION], name, keys if isinstance(keys, list) else []
    # A session that was refused never got an id.
    if entry.action == LedgerAction.SESSION_OPENED and "session" in entry.ids:
        session_id = entry.ids["session"]
        name = role_session_name(
            EngineerId(str(entry.details["engineer"])),
            TicketId(entry.ids["ticket"]),
            SessionId(session_id),
        )
        yield session_id, name, [entry.ids["access_key"]] if "access_key" in entry.ids else []


def compare(
    events: Iterable[TrailEvent],
    known: Mapping[str, KnownSession],
    *,
    since: datetime,
    until: datetime,
) -> Comparison:
    """Set exchanges of ours beside what the ledger knows.

    Only sessions that were noted between `since` and `until` are missed, since the trail may not
    have the rest yet, or the events were not asked for.
    """
    found = sorted(events, key=attrgetter("time"))
    keys = {key for session in known.values() for key in session.keys}
    ids = {session.session_id for session in known.values()}
    matched, unfinished, unknown = 0, [], []
    spent: Counter[tuple[str, str]] = Counter()
    for event in found:
        asked_as = (event.session_name, event.role_arn)
        if event.issued_key_id in keys or _refused_as_known(event, known, ids):
            matched += 1
        elif event.issued_key_id is not None and spent[asked_as] < _unsettled(event, known):
            spent[asked_as] += 1
            unfinished.append(event)
        else:
            unknown.append(event)
    seen = {event.issued_key_id for event in found}
    return Comparison(
        matched=matched,
        unfinished=tuple(unfinished),
        unknown=tuple(unknown),
        missing=tuple(
            Missing(
                session_id=session.session_id,
                role_session_name=session.name,
                access_key_id=key,
                at=at,
            )
            for session in known.values()
            for key, at in session.keys.items()
            if key not in seen and since <= at <= until
        ),
    )


def _refused_as_known(event: TrailEvent, known: Mapping[str, KnownSession], ids: set[str]) -> bool:
    """Whether AWS gave nothing to a session that the broker did ask for; it may ask again."""
    refused = event.issued_key_id is None and event.error_code is not None
    return refused and (event.session_name in known or event.session_id in ids)


def _unsettled(event: TrailEvent, known: Mapping[str, KnownSession]) -> int:
    """How many events of this name and role the ledger explains without their keys."""
    session = known.get(event.session_name)
    return 0 if session is None else session.unsettled
