"""How records are written: a JSON envelope that names the record's type and its schema version.

A record is a hash of two fields: `version` counts its writes, for compare-and-set, and `record`
holds the envelope. What this code does not know is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from broker.domain.accounts import Account
from broker.domain.grants import Grant
from broker.domain.hooks.records import Hook
from broker.domain.identity.api_tokens import ApiToken
from broker.domain.ledger.checkpoints import Checkpoint
from broker.domain.ports import Record, Versioned
from broker.domain.sessions import Session
from broker.domain.tickets import Ticket
from broker.errors import StoreUnavailable
from broker.store.connection import Connection
from keys.errors import InvalidKey

R = TypeVar("R")


class UnreadableRecord(Exception):
    """A stored record is not of the type and schema that this code knows."""


class Codec(Generic[R]):
    """Writes and reads the records of one type."""

    def __init__(self, kind: str, record_type: type[R], *, schema: int) -> None:
        self.kind = kind
        self.schema = schema
        self._adapter: TypeAdapter[R] = TypeAdapter(record_type)
        self._prefix = f'{{"type":"{kind}","schema":{schema},"body":'

    def encode(self, record: R) -> str:
        """The envelope's JSON."""
        return f"{self._prefix}{self._adapter.dump_json(record).decode()}}}"

    def decode(self, text: str) -> R:
        """The record in an envelope; raises StoreUnavailable."""
        try:
            return self._adapter.validate_python(self._body_of(text))
        except ValidationError as e:
            # Its text shows values, and some are secret: only where it failed is kept.
            places = sorted({".".join(map(str, error["loc"])) for error in e.errors()})
            raise _unreadable() from UnreadableRecord(f"a {self.kind} record: {places}")
        except (UnreadableRecord, InvalidKey, ValueError) as e:
            raise _unreadable() from e

    def _body_of(self, text: str) -> object:
        envelope = from_json(text)
        if not isinstance(envelope, dict) or envelope.keys() != {"type", "schema", "body"}:
            raise UnreadableRecord(f"a {self.kind} record has no envelope")
        if envelope["type"] != self.kind:
            raise UnreadableRecord(f"a {self.kind} record says it is of type {envelope['type']!r}")
        if envelope["schema"] != self.schema:
            raise UnreadableRecord(
                f"a {self.kind} record has schema {envelope['schema']!r}, this code {self.schema}"
            )
        return envelope["body"]


def _unreadable() -> StoreUnavailable:
    return StoreUnavailable("The store holds a record that this version of the broker cannot read.")


ACCOUNT = Codec("account", Account, schema=1)
GRANT = Codec("grant", Grant, schema=1)
SESSION = Codec("session", Session, schema=1)
TICKET = Codec("ticket", Ticket, schema=1)
API_TOKEN = Codec("api_token", ApiToken, schema=1)
HOOK = Codec("hook", Hook, schema=1)
CHECKPOINT = Codec("checkpoint", Checkpoint, schema=1)


def encode(record: Record) -> str:
    """The envelope's JSON of any record."""
    match record:
        case Account():
            return ACCOUNT.encode(record)
        case Grant():
            return GRANT.encode(record)
        case Session():
            return SESSION.encode(record)
        case Ticket():
            return TICKET.encode(record)
        case ApiToken():
            return API_TOKEN.encode(record)
        case Hook():
            return HOOK.encode(record)
        case Checkpoint():
            return CHECKPOINT.encode(record)


class Reader(Generic[R]):
    """Reads records of one type by their keys."""

    def __init__(self, connection: Connection, codec: Codec[R]) -> None:
        self._connection = connection
        self._codec = codec

    def get(self, key: str) -> Versioned[R] | None:
        """The record with its version, or None."""
        version, text = self._connection.send("HMGET", key, "version", "record")
        if version is None or text is None:
            return None
        return Versioned(record=self._codec.decode(text), version=int(version))

    def get_all(self, keys: Sequence[str]) -> tuple[R, ...]:
        """The records that exist, in the order of `keys`; a crash may leave a key without one."""
        return tuple(found.record for found in self.get_all_versioned(keys))

    def get_all_versioned(self, keys: Sequence[str]) -> tuple[Versioned[R], ...]:
        """Like `get_all`, with the version of each."""
        answers = self._connection.send_all([("HMGET", key, "version", "record") for key in keys])
        return tuple(
            Versioned(record=self._codec.decode(text), version=int(version))
            for version, text in answers
            if version is not None and text is not None
        )
