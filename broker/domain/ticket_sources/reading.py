"""What every shape of answer is read with. None of it is believed further than it is understood.

Whatever is missing, or of another form than documented, makes the answer unreadable, or gives
nobody anything: a status that is not known to be open is not open, and a field that holds anything
but account ids names no account.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.domain.identifiers import AccountId, EngineerId, TicketId
from broker.domain.plain_text import plain
from broker.domain.tickets import Ticket

MOST = 100
"""Accounts of one ticket, and people to whom it is assigned: as many as the API takes."""

_LONGEST_SUBJECT = 500
_SEPARATORS = re.compile(r"[\s,;]+")
_GROUPED = re.compile(r"([0-9]{4})-([0-9]{4})-([0-9]{4})")
"""An account id as AWS's console writes it."""


class Unreadable(Exception):
    """The answer does not say what a ticket must say; the text names what, and shows no value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """Where a ticket system of the organisation's keeps what the broker must know."""

    accounts_field: str = ""
    """The custom field that holds account ids, by the system's own name or number for it."""
    email_domain: str | None = None
    """Where set, engineers are called by what stands before the @ in addresses of this domain;
    otherwise by the whole address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which ticket was asked for, and when."""

    ticket_id: TicketId
    at: datetime


def member(of: object, name: str) -> object:
    """A member of a JSON object, which must be there, though it may be null."""
    members = json_object(of)
    if name not in members:
        raise Unreadable(f"there is no {name}")
    return members[name]


def json_object(value: object) -> Mapping[str, object]:
    """`value`, which must be a JSON object."""
    if not isinstance(value, dict):
        raise Unreadable("there is something else where an object should be")
    return value


def number(value: object) -> int:
    """`value`, which must be a whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unreadable("there is something else where a number should be")
    return value


def text(value: object) -> str:
    """`value`, which must be text."""
    if not isinstance(value, str):
        raise Unreadable("there is something else where text should be")
    return value


def subject(value: object) -> str:
    """One line for people to read, as much as is kept of it; empty where there is none."""
    if not isinstance(value, str):
        return ""
    return " ".join(plain(value).split())[:_LONGEST_SUBJECT].rstrip()


def account_ids(value: object) -> tuple[AccountId, ...]:
    """The accounts that a field names, as text, a number, an option, or a list of these.

    Where anything else stands there too, or there are too many, it names none: whoever wrote that
    meant something which nobody here understands.
    """
    found = list(dict.fromkeys(_words(value)))
    try:
        accounts = [AccountId.parse(_GROUPED.sub(r"\1\2\3", word)) for word in found]
    except ValueError:
        return ()
    return tuple(accounts) if len(accounts) <= MOST else ()


def _words(value: object) -> list[str]:
    match value:
        case str():
            return [word for word in _SEPARATORS.split(value) if word]
        case None | bool():
            return []
        case int():
            return [str(value)]
        case list():
            return [word for item in value for word in _item_words(item)]
        case dict():
            return _item_words(value)
        case _:
            return [""]


def _item_words(item: object) -> list[str]:
    """The words of an item of a list; a chosen option is an object with its text as `value`."""
    if isinstance(item, dict):
        item = item.get("value")
    return _words(item) if isinstance(item, str | int) and not isinstance(item, bool) else [""]


def engineer(address: object, mapped: Mapped) -> EngineerId:
    """The engineer with this e-mail address, in lower case like those who sign in with theirs."""
    written = text(address)
    if not written.isascii():
        # Other letters become ASCII in lower case, the Kelvin sign a k: another one's address.
        raise Unreadable("somebody is assigned whose address names no engineer")
    known = written.lower()
    if mapped.email_domain is not None:
        known, _, domain = known.rpartition("@")
        if domain != mapped.email_domain:
            raise Unreadable("somebody is assigned whose address is of another domain")
    try:
        return EngineerId.parse(known)
    except ValueError as e:
        raise Unreadable("somebody is assigned whose address names no engineer") from e


def is_about(asked: Asked, told_id: object) -> bool:
    """Whether the answer is about the ticket that was asked for, by the system's own id of it."""
    return isinstance(told_id, str) and told_id == asked.ticket_id


Told = Ticket | None
"""What an answer says: a ticket, or that there is none of this id."""
