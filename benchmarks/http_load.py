"""Requests to one URL, as many as its server can answer: wrk, or a small driver of our own."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from shutil import which
from time import perf_counter
from urllib.parse import urlsplit

from benchmarks.comparison import BenchmarkFailed

CONNECTIONS = 32
_FEW = 4
"""Threads of the driver in Python, which more of them would only slow down."""

_RATE = re.compile(r"Requests/sec:\s+([0-9.]+)")
_FAULTS = re.compile(r"Non-2xx|Socket errors")


def requests_a_second(url: str, *, seconds: int) -> float:
    """The rate at which `url` is answered 200. Raises BenchmarkFailed for any other answer."""
    wrk = which("wrk")
    if wrk is None:
        command = [sys.executable, "-m", "benchmarks.http_load", url, str(seconds)]
    else:
        command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", url]
    load = subprocess.run(command, capture_output=True, text=True, check=False)
    rate = _RATE.search(load.stdout)
    if load.returncode != 0 or rate is None or _FAULTS.search(load.stdout):
        raise BenchmarkFailed(f"the load on {url} failed: {load.stdout}{load.stderr}")
    return float(rate[1])


def _requests(url: str, *, until: float) -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)
    answered = 0
    while perf_counter() < until:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        answer.read()
        if answer.status != http.client.OK:
            raise BenchmarkFailed(f"{url} is answered {answer.status}")
        answered += 1
    return answered


def main(url: str, seconds: str) -> None:
    """Print the rate as wrk does."""
    begun = perf_counter()
    with ThreadPoolExecutor(_FEW) as pool:
        until = begun + float(seconds)
        loads = [pool.submit(_requests, url, until=until) for _ in range(_FEW)]
        answered = sum(load.result() for load in loads)
    print(f"Requests/sec: {answered / (perf_counter() - begun):.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
