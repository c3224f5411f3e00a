"""What an operator should know about the server before trusting it, for `/readyz`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.store.durability import Durability

OLDEST = (7, 0)
"""The oldest Redis version whose scripts and commands the store may use."""

_NOT_DURABLE = {
    Durability.EVERYSEC: "The store may lose the last second of writes when it crashes.",
    Durability.NONE: "The store keeps nothing safely on disk: a crash loses acknowledged writes.",
    Durability.UNKNOWN: "The store does not tell whether it keeps writes on disk.",
}


def problems_of(info: Mapping[str, Any], durability: Durability) -> tuple[str, ...]:
    """One sentence for each thing that is wrong, from the server's INFO and its durability."""
    found = [_NOT_DURABLE[durability]] if durability in _NOT_DURABLE else []
    version = str(info.get("redis_version", "0"))
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < OLDEST:
        found.append(f"The store's server speaks Redis {version}; at least 7.0 is needed.")
    if info.get("role") == "slave":
        found.append("The store's server is a read-only replica.")
    if info.get("cluster_enabled"):
        found.append("The store's server is part of a cluster, which is not supported yet.")
    if str(info.get("maxmemory_policy", "")).startswith("allkeys"):
        found.append("The store's server throws records away when its memory is full.")
    return tuple(found)
