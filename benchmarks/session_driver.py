"""Opens sessions for the benchmark, as a process of its own: `python -m benchmarks.session_driver`.

Both sides run in this same frame, so that only what a client does differs: as many threads as
clients, each with warm connections that only it uses. The first line of standard input is a JSON
object: which side, and an array of what each client needs. Each further line is a number of
sessions for every client to open, and is answered with the seconds that all of them took.
"""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any

OpenSession = Callable[[], None]
"""Opens one session; raises if that fails."""


def over_http(*, host: str, api_token: str, body: Mapping[str, Any]) -> OpenSession:
    """Asks the broker, over one connection that stays open; http.client, the lightest there is."""
    connection = http.client.HTTPConnection(host, timeout=60)
    content = json.dumps(body)
    headers = {"Authorization": f"Bearer {api_token}", "Content-Type": "application/json"}

    def open_session() -> None:
        connection.request("POST", "/v1/sessions", content, headers)
        answer = connection.getresponse()
        opened = answer.read()
        if answer.status != http.client.CREATED:
            raise RuntimeError(f"{answer.status}: {opened.decode()}")
        json.loads(opened)

    return open_session


def _client(side: str, needs: Mapping[str, Any]) -> OpenSession:
    if side == "broker":
        return over_http(**needs)
    # Only this side pays for importing boto3.
    from benchmarks.bare_session import bare_session  # noqa: PLC0415

    return bare_session(**needs)


def main() -> None:
    """Read what to be, then do as each line says."""
    setting = json.loads(sys.stdin.readline())
    clients = [_client(setting["side"], needs) for needs in setting["clients"]]
    with ThreadPoolExecutor(len(clients)) as pool:
        for line in sys.stdin:
            begun = perf_counter()
            list(pool.map(_opening(int(line)), clients))
            print(perf_counter() - begun, flush=True)


def _opening(sessions: int) -> Callable[[OpenSession], None]:
    def work(open_session: OpenSession) -> None:
        for _ in range(sessions):
            open_session()

    return work


if __name__ == "__main__":
    main()
