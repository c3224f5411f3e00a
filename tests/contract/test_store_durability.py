"""What an acknowledged write survives, told truly for each kind of server."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.domain.ledger.entries import chain_of
from broker.errors import DependencyUnavailable
from broker.store import Durability, Store, open_store
from broker.store.embedded import find_server_binary
from broker.store.scripts import script
from tests.contract.store_samples import NOW, ONE, a_session, an_event, write
from tests.contract.store_servers import on_loopback, on_socket, redis_server_binary, until
from tests.contract.store_wire import LossyWire

CHAIN = chain_of(ONE)
REDIS, VALKEY = redis_server_binary(), find_server_binary()
WRITES = ("--appendonly", "yes", "--save", "")
HIDDEN = ("--rename-command", "CONFIG", "")


def test_both_servers_of_the_contract_keep_everything(store: Store) -> None:
    assert store.durability() is Durability.ALWAYS
    assert store.problems() == ()


@pytest.mark.parametrize(
    ("binary", "options", "expected", "problem"),
    [
        (REDIS, (*WRITES, "--appendfsync", "everysec"), Durability.EVERYSEC, "last second"),
        (REDIS, (*WRITES, "--appendfsync", "no"), Durability.NONE, "nothing safely on disk"),
        (REDIS, ("--save", ""), Durability.NONE, "nothing safely on disk"),
        (REDIS, (*WRITES, *HIDDEN), Durability.UNKNOWN, "does not tell"),
        (VALKEY, (*WRITES, "--appendfsync", "everysec"), Durability.WAITAOF, None),
        (VALKEY, (*WRITES, *HIDDEN), Durability.WAITAOF, None),
        (VALKEY, ("--save", "", *HIDDEN), Durability.UNKNOWN, "does not tell"),
    ],
)
def test_the_durability_of_a_server_is_found_out(
    tmp_path: Path,
    binary: str,
    options: tuple[str, ...],
    expected: Durability,
    problem: str | None,
) -> None:
    with (
        on_socket(tmp_path, binary=binary, options=options) as server,
        open_store(server.url) as store,
    ):
        write(store, a_session())
        assert store.durability() is expected
        found = store.problems()
        assert len(found) == (0 if problem is None else 1)
        assert problem is None or problem in found[0]


def test_a_write_that_does_not_reach_the_disk_is_not_acknowledged(tmp_path: Path) -> None:
    with (
        on_socket(tmp_path, binary=VALKEY, options=WRITES) as server,
        open_store(server.url) as store,
    ):
        write(store, a_session(1))
        store._connection.send("CONFIG", "SET", "appendfsync", "no")
        with pytest.raises(DependencyUnavailable) as failed:
            write(store, a_session(2))
        assert failed.value.code == "ledger_unavailable"


def test_a_write_sent_again_is_confirmed_anew(tmp_path: Path) -> None:
    """The confirmation speaks of writes on its own connection, and the first one was cut."""
    (tmp_path / "server").mkdir()
    with (
        on_socket(tmp_path / "server", binary=VALKEY, options=WRITES) as server,
        LossyWire(
            tmp_path,
            server=server.url.removeprefix("unix://"),
            marker=script("record").sha.encode(),
        ) as wire,
        open_store(wire.url) as store,
    ):
        write(store, a_session(1))
        wire.lose(1)
        write(store, a_session(2))
        assert wire.lost == 1
        store._connection.send("CONFIG", "SET", "appendfsync", "no")
        wire.lose(1)
        with pytest.raises(DependencyUnavailable):
            write(store, a_session(3))
        assert wire.lost == 2


def test_where_only_a_replica_can_confirm_a_write_it_must(tmp_path: Path) -> None:
    (tmp_path / "primary").mkdir()
    (tmp_path / "replica").mkdir()
    hidden = ("--save", "", *HIDDEN, "--repl-diskless-sync-delay", "0")
    with on_loopback(tmp_path / "primary", binary=REDIS, options=hidden) as primary:
        port = primary.url.rpartition(":")[2]
        follows = ("--save", "", "--replicaof", "127.0.0.1", port)
        with (
            on_loopback(tmp_path / "replica", binary=REDIS, options=follows) as replica,
            open_store(primary.url) as store,
            open_store(replica.url) as read_only,
        ):
            until(lambda: store.durability() is Durability.REPLICATED)
            until(lambda: read_only._connection.send("INFO")["master_link_status"] == "up")
            write(store, a_session(1))
            assert read_only.journal.head(CHAIN).seq == 1
            assert "read-only replica" in "".join(read_only.problems())
            replica.kill()
            with pytest.raises(DependencyUnavailable) as failed:
                store.journal.record(CHAIN, an_event(), now=NOW)
            assert failed.value.code == "ledger_unavailable"


def test_a_server_that_throws_records_away_is_reported(tmp_path: Path) -> None:
    options = (*WRITES, "--appendfsync", "always", "--maxmemory-policy", "allkeys-lru")
    with (
        on_socket(tmp_path, binary=REDIS, options=options) as server,
        open_store(server.url) as store,
    ):
        [problem] = store.problems()
        assert "throws records away" in problem
