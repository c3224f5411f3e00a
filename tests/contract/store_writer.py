"""A process that opens sessions in a store until it is done or killed.

`python -m tests.contract.store_writer <url> <namespace> <first> <count>` prints the id of each
session once its write has been acknowledged.
"""

from __future__ import annotations

import signal
import subprocess
import sys

from broker.domain.ledger.entries import chain_of
from broker.domain.ports import Save
from broker.store import open_store
from tests.contract.store_samples import NOW, ONE, a_session, an_event


def start_writer(url: str, namespace: str, *, first: int, count: int) -> subprocess.Popen[str]:
    """The process, in a process group of its own, as a shell would start it."""
    return subprocess.Popen(
        [sys.executable, "-m", __name__, url, namespace, str(first), str(count)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def main(url: str, namespace: str, first: str, count: str) -> None:
    # A shell starts what it runs in the background with SIGINT ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with open_store(url, namespace=namespace) as store:
        for number in range(int(first), int(first) + int(count)):
            session = a_session(number)
            event = an_event(session=session.session_id)
            store.journal.record(chain_of(ONE), event, now=NOW, saves=[Save(session, 0)])
            print(session.session_id, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
