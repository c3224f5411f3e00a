"""A worker in a process of its own, whose handler never returns.

Run as a module with `<url> <threads>`, it prints each subject that it begins.
"""

from __future__ import annotations

import subprocess
import sys
import threading

from broker.domain.ports import TaskKind
from broker.services.background.alarm import Alarm
from broker.services.calls import Call
from broker.store import open_store
from tests.integration.background.workers import NOW, a_worker


def start_worker(url: str, *, threads: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", __name__, url, str(threads)], stdout=subprocess.PIPE, text=True
    )


def hang(subject: str, call: Call) -> None:
    del call
    # In one piece: print writes the end of a line by itself, and threads come in between.
    sys.stdout.write(f"{subject}\n")
    sys.stdout.flush()
    threading.Event().wait()


def main(url: str, threads: str) -> None:
    handlers = {TaskKind.ACCOUNT: hang}
    with open_store(url) as store:
        a_worker(store, handlers, clock=lambda: NOW, threads=int(threads)).run(Alarm())


if __name__ == "__main__":
    main(*sys.argv[1:])
