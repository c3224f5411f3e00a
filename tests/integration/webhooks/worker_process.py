"""A worker's turn in a process of its own, to be killed in the middle of it.

`python -m tests.integration.webhooks.worker_process <store url> <receiver url> <lease seconds>`
"""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

from broker.services.ambient import utc_now
from broker.services.webhooks import delivery as webhook_delivery
from tests.integration.webhooks.world import a_world, an_endpoint


def start_turn(url: str, receiver_url: str, *, held_for: timedelta) -> subprocess.Popen[bytes]:
    words = [url, receiver_url, str(held_for.total_seconds())]
    return subprocess.Popen([sys.executable, "-m", __name__, *words])


def main(url: str, receiver_url: str, seconds: str) -> None:
    webhook_delivery.HELD_FOR = timedelta(seconds=float(seconds))
    world = a_world(url, utc_now, an_endpoint(receiver_url))
    with world.store:
        world.deliver()


if __name__ == "__main__":
    main(*sys.argv[1:])
