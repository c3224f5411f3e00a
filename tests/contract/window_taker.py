"""A process that takes places in windows from many threads at once.

`python -m tests.contract.window_taker <url> <namespace> <threads>` waits for a line on its standard
input, lets all threads go, and prints how many places it got.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

from broker.domain.limits import Counted, Limit, Window
from broker.store import open_store

PLACES = 50
CONTESTED = (
    Window(Counted.SESSIONS_IN_ACCOUNT, "one", Limit(PLACES, timedelta(hours=1))),
    Window(Counted.SESSIONS_OVERALL, "all", Limit(10 * PLACES, timedelta(hours=1))),
)


def start_taker(url: str, namespace: str, *, threads: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", __name__, url, namespace, str(threads)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def main(url: str, namespace: str, threads: str) -> None:
    ready = Barrier(int(threads) + 1)
    with (
        open_store(url, namespace=namespace, connections=int(threads)) as store,
        ThreadPoolExecutor(int(threads)) as pool,
    ):

        def take() -> bool:
            store.ping()
            ready.wait()
            return store.windows.take(*CONTESTED) is None

        takes = [pool.submit(take) for _ in range(int(threads))]
        print("ready", flush=True)
        sys.stdin.readline()
        ready.wait()
        print(sum(taken.result() for taken in takes), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
