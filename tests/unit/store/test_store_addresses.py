"""Addresses of a store: what is understood, what is refused, and that no password is shown."""

from __future__ import annotations

import pytest
from redis.connection import SSLConnection

from broker.errors import ConfigurationError
from broker.store import open_store
from broker.store.connection import Timeouts, connect
from broker.store.keyspace import Keyspace


@pytest.mark.parametrize(
    "url",
    [
        "",
        "embedded:",
        "redis",
        "http://localhost",
        "redis+sentinel://user:hunter2@localhost/0",
        "redis+cluster://:hunter2@localhost",
        "sentinel://:hunter2@localhost",
        "redis://:hunter2@localhost:port",
        "redis://:hunter2@localhost?db=one",
        "rediss://:hunter2@localhost?ssl_cert_reqs=none",
        "rediss://:hunter2@localhost?ssl_check_hostname=false",
        "redis://:hunter2@localhost?socket_timeout=100",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        open_store(url)
    assert len(refused.value.problems) == 1
    assert "hunter2" not in str(refused.value)


def test_sentinel_and_cluster_are_named_in_the_refusal() -> None:
    with pytest.raises(ConfigurationError, match="Sentinel and Cluster are not supported yet"):
        open_store("redis+sentinel://localhost")


def test_a_server_behind_tls_must_show_who_it_is() -> None:
    connection = connect("rediss://store.example.com", connections=1, timeouts=Timeouts())
    pool = connection._pool
    assert pool.connection_class is SSLConnection
    assert pool.connection_kwargs["ssl_cert_reqs"] == "required"
    assert pool.connection_kwargs["ssl_check_hostname"] is True


def test_timeouts_are_set_and_the_drivers_own_retries_are_off() -> None:
    timeouts = Timeouts(connect=1.5, answer=2.5, pool=3.5)
    pool = connect("redis://localhost", connections=7, timeouts=timeouts)._pool
    made = pool.make_connection()
    assert (made.socket_connect_timeout, made.socket_timeout) == (1.5, 2.5)
    assert (pool.max_connections, pool.timeout) == (7, 3.5)
    assert made.retry.get_retries() == 0


@pytest.mark.parametrize("namespace", ["Upper", "with space", "{tag}", "a:b", "x" * 33])
def test_a_namespace_that_would_break_key_names_is_refused(namespace: str) -> None:
    with pytest.raises(ValueError, match="namespace"):
        Keyspace(namespace)
