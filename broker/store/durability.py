"""What an acknowledged write survives, as far as the server lets us see and confirm it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from redis import Redis
from redis.exceptions import ResponseError

_PATIENCE = 1500
"""Milliseconds for a confirmation: less than the connection waits for an answer."""


class Durability(StrEnum):
    """What the server, or we together with it, make sure of before a write is acknowledged."""

    ALWAYS = "always"
    """The server writes to disk before it answers."""
    WAITAOF = "waitaof"
    """We wait until the server has written to disk (WAITAOF, Redis 7.2)."""
    REPLICATED = "replicated"
    """We wait until a replica has it (WAIT); what the server's disk has, it does not say."""
    EVERYSEC = "everysec"
    """The server writes to disk each second; the last one may be lost."""
    NONE = "none"
    """The server does not write to disk, or only when its system pleases."""
    UNKNOWN = "unknown"
    """The server tells nothing about it and offers no way to wait."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A command that answers once the writes before it on its connection are safe."""

    command: tuple[str | int, ...]

    def reached(self, answer: int | list[int]) -> bool:
        """Whether the answer says so: how many copies there are, the server's own first."""
        copies = answer[0] if isinstance(answer, list) else answer
        return copies >= 1


_CONFIRMATIONS = {
    Durability.WAITAOF: Confirmation(("WAITAOF", 1, 0, _PATIENCE)),
    Durability.REPLICATED: Confirmation(("WAIT", 1, _PATIENCE)),
}


def confirmation_for(durability: Durability) -> Confirmation | None:
    """What must follow a write; None where nothing is needed or nothing helps."""
    return _CONFIRMATIONS.get(durability)


def detect(redis: Redis) -> Durability:
    """The durability of this server. Managed services forbid CONFIG, so it may end in a trial."""
    settings = _append_settings(redis)
    if settings is not None and settings.get("appendonly") != "yes":
        return Durability.NONE
    match None if settings is None else settings.get("appendfsync"):
        case "always":
            return Durability.ALWAYS
        case "no":
            return Durability.NONE
        case "everysec":
            return Durability.WAITAOF if _knows_waitaof(redis) else Durability.EVERYSEC
    if _knows_waitaof(redis):
        return Durability.WAITAOF
    replicas = int(redis.info("replication").get("connected_slaves", 0))
    return Durability.REPLICATED if replicas else Durability.UNKNOWN


def _append_settings(redis: Redis) -> dict[str | None, str | None] | None:
    try:
        return dict(redis.config_get("append*"))
    except ResponseError:
        return None


def _knows_waitaof(redis: Redis) -> bool:
    """Whether WAITAOF exists here and there is an append-only file to wait for."""
    try:
        redis.execute_command("WAITAOF", 1, 0, 1)  # type: ignore[no-untyped-call]
    except ResponseError:
        return False
    return True
