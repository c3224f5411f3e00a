"""The worker as a process: under `broker serve`, by itself, once, and what ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx
import pytest

from broker.cli.demo.stage import command, free_port
from broker.domain.accounts import Account
from broker.store import Store, open_store
from broker.web.companion import Keeper
from tests.contract.store_samples import NOW, ONE, an_account, write
from tests.contract.store_servers import until

PATIENCE = 120.0
PROJECT = Path(__file__).parents[3]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Settings of a broker whose AWS refuses every connection."""
    port, nowhere = free_port(), free_port()
    inherited = {n: v for n, v in os.environ.items() if not n.startswith(("BROKER_", "AWS_"))}
    return {
        **inherited,
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "nothing to keep",
        "BROKER_AWS_ENDPOINT_URL": f"http://127.0.0.1:{nowhere}",
        "BROKER_ISSUER_URL": f"http://127.0.0.1:{port}",
        "BROKER_BIND": f"127.0.0.1:{port}",
        "BROKER_WORKERS": "1",
        "BROKER_VENDOR_ACCOUNT_ID": "999900001111",
        "BROKER_STORE_URL": f"embedded:{tmp_path / 'store'}",
    }


@pytest.fixture
def store(environment: dict[str, str]) -> Iterator[Store]:
    with open_store(environment["BROKER_STORE_URL"]) as opened:
        yield opened


def account_in(store: Store) -> Account:
    found = store.accounts.get(ONE)
    assert found is not None
    return found.record


@contextmanager
def running(environment: dict[str, str], log: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A `broker` command in a process group of its own, of which nothing is left afterwards."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(command("broker")), *words],
            cwd=PROJECT,
            env=environment,
            stdout=output,
            stderr=output,
            text=True,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if group(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)


def group(pid: int) -> dict[int, str]:
    """The living processes of a group and their command lines."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, their_group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(their_group) == pid and state != "Z":
            found[int(folder.name)] = words
    return found


def workers_in(pid: int) -> list[int]:
    return [each for each, words in group(pid).items() if "broker worker" in words]


def answers(environment: dict[str, str], path: str, *, with_text: str = "") -> bool:
    url = environment["BROKER_ISSUER_URL"] + path
    try:
        answer = httpx.get(url, trust_env=False)
    except httpx.TransportError:
        return False
    return answer.status_code == 200 and with_text in answer.text


def test_what_is_due_is_worked_off_by_one_command(
    environment: dict[str, str], store: Store, tmp_path: Path
) -> None:
    """AWS is away, so working on the account shows as a failure of AWS in its record."""
    write(store, an_account(next_check_at=NOW))
    with running(environment, tmp_path / "log", "worker", "--once", "--threads", "2") as worker:
        assert worker.wait(PATIENCE) == 0
    assert account_in(store).failures == 1
    due = account_in(store).next_check_at
    assert due is not None
    assert store.agenda.next_due() == due > NOW


@pytest.mark.parametrize("order", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_ends_in_order_when_it_is_told_to(
    environment: dict[str, str], store: Store, tmp_path: Path, order: signal.Signals
) -> None:
    write(store, an_account(next_check_at=NOW))
    with running(environment, tmp_path / "log", "worker") as worker:
        until(lambda: account_in(store).failures > 0, seconds=PATIENCE)
        worker.send_signal(order)
        assert worker.wait(PATIENCE) == 0


def test_serving_starts_a_worker_that_ends_with_it(
    environment: dict[str, str], store: Store, tmp_path: Path
) -> None:
    write(store, an_account(next_check_at=NOW))
    with running(environment, tmp_path / "log", "serve") as served:
        until(lambda: account_in(store).failures > 0, seconds=PATIENCE)
        gauge = "broker_tasks_next_due_timestamp_seconds "
        until(lambda: answers(environment, "/metrics", with_text=gauge), seconds=PATIENCE)
        assert len(workers_in(served.pid)) == 1
        served.terminate()
        assert served.wait(PATIENCE) == 0
        assert group(served.pid) == {}


def test_a_killed_server_leaves_no_worker_behind(
    environment: dict[str, str], store: Store, tmp_path: Path
) -> None:
    write(store, an_account(next_check_at=NOW))
    with running(environment, tmp_path / "log", "serve") as served:
        until(lambda: account_in(store).failures > 0, seconds=PATIENCE)
        served.kill()
        served.wait(PATIENCE)
        until(lambda: group(served.pid) == {}, seconds=PATIENCE)


def test_serving_starts_no_worker_where_none_is_wanted(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with running(environment, tmp_path / "log", "serve", "--no-worker") as served:
        until(lambda: answers(environment, "/healthz"), seconds=PATIENCE)
        assert [words for words in group(served.pid).values() if "gunicorn" not in words] == []


@dataclass
class Kept:
    """A keeper in a thread, and the process ids that its workers tell."""

    keeper: Keeper
    thread: threading.Thread
    lifeline: int
    told: IO[str]

    def next_worker(self) -> int:
        return int(self.told.readline())

    def has_ended(self) -> bool:
        self.thread.join(PATIENCE)
        return not self.thread.is_alive()


@pytest.fixture
def keep(tmp_path: Path) -> Iterator[Callable[[str], Kept]]:
    """Start a keeper of a worker that is a line of shell."""
    all_kept: list[Kept] = []

    def kept(line: str) -> Kept:
        fifo = tmp_path / "told"
        os.mkfifo(fifo)
        told = os.fdopen(os.open(fifo, os.O_RDWR))
        theirs, lifeline = os.pipe()
        shell = ["/bin/sh", "-c", f'echo $$ > "{fifo}"; {line}', "worker"]
        keeper = Keeper(theirs, command=shell, pause=0)
        thread = threading.Thread(target=keeper.keep)
        thread.start()
        all_kept.append(Kept(keeper, thread, lifeline, told))
        return all_kept[-1]

    yield kept
    for each in all_kept:
        each.keeper.stop()
        assert each.has_ended()
        each.told.close()


FOR_EVER = "exec sleep 1000"


def test_a_worker_that_ends_is_started_again(keep: Callable[[str], Kept]) -> None:
    kept = keep("exit 0")
    assert len({kept.next_worker() for _ in range(3)}) == 3


def test_a_worker_that_is_killed_is_started_again(keep: Callable[[str], Kept]) -> None:
    kept = keep(FOR_EVER)
    first = kept.next_worker()
    os.kill(first, signal.SIGKILL)
    assert kept.next_worker() != first


def test_a_cut_lifeline_ends_the_worker_and_its_keeper(keep: Callable[[str], Kept]) -> None:
    kept = keep(FOR_EVER)
    worker = kept.next_worker()
    os.close(kept.lifeline)
    assert kept.has_ended()
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_a_keeper_that_is_stopped_starts_no_other_worker(keep: Callable[[str], Kept]) -> None:
    kept = keep(FOR_EVER)
    worker = kept.next_worker()
    kept.keeper.stop()
    assert kept.has_ended()
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_a_keeper_that_is_stopped_while_it_starts_a_worker_ends_that_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    theirs, lifeline = os.pipe()
    keeper = Keeper(theirs, command=["/bin/sh", "-c", FOR_EVER, "worker"], pause=0)
    start, started = keeper._started, []

    def stopped_meanwhile() -> subprocess.Popen[bytes]:
        started.append(start())
        keeper.stop()
        return started[-1]

    monkeypatch.setattr(keeper, "_started", stopped_meanwhile)
    keeper.keep()
    assert [worker.returncode for worker in started] == [-signal.SIGTERM]
    os.close(lifeline)
