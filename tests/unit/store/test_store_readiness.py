"""What is reported of a server that should not be trusted."""

from __future__ import annotations

import pytest

from broker.store.durability import Durability
from broker.store.readiness import problems_of

GOOD = {
    "redis_version": "7.2.4",
    "role": "master",
    "cluster_enabled": 0,
    "maxmemory_policy": "noeviction",
}


@pytest.mark.parametrize(
    "durability", [Durability.ALWAYS, Durability.WAITAOF, Durability.REPLICATED]
)
@pytest.mark.parametrize("version", ["7.0.0", "7.2.4", "10.0.1", "8.6-rc1"])
def test_nothing_is_wrong_with_a_good_server(durability: Durability, version: str) -> None:
    assert problems_of({**GOOD, "redis_version": version}, durability) == ()


@pytest.mark.parametrize(
    ("info", "durability", "word"),
    [
        ({"redis_version": "6.2.14"}, Durability.ALWAYS, "6.2.14"),
        ({"redis_version": "odd"}, Durability.ALWAYS, "at least 7.0"),
        ({"role": "slave"}, Durability.ALWAYS, "replica"),
        ({"cluster_enabled": 1}, Durability.ALWAYS, "cluster"),
        ({"maxmemory_policy": "allkeys-lfu"}, Durability.ALWAYS, "throws records away"),
        ({}, Durability.EVERYSEC, "last second"),
        ({}, Durability.NONE, "nothing safely"),
        ({}, Durability.UNKNOWN, "does not tell"),
    ],
)
def test_each_thing_that_is_wrong_has_its_sentence(
    info: dict[str, object], durability: Durability, word: str
) -> None:
    [problem] = problems_of({**GOOD, **info}, durability)
    assert word in problem


def test_everything_that_is_wrong_is_listed() -> None:
    bad = {"redis_version": "6.0.0", "role": "slave", "cluster_enabled": 1}
    assert len(problems_of(bad, Durability.NONE)) == 4
