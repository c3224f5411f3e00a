"""Discovery and JWKS a second, against a bare WSGI callable that answers the same bytes.

Both are served by gunicorn in the broker's own configuration, with one worker. Ours adds the
routing, the look-up of the issuer, conditional requests and a count in the metrics. The load comes
from wrk where it is installed (Debian has a package of that name), else from
`benchmarks.http_load`.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from benchmarks import http_load
from benchmarks.comparison import BenchmarkFailed, Bound, Comparison, Goal, in_turns
from broker.cli.demo.stage import Stage, free_port

_ACCOUNT = "111122223333"
_SECONDS = 1
_PATIENCE = 30.0
_SENT_BY_GUNICORN = frozenset({"date", "server", "connection"})
_ROOT = Path(__file__).parents[1]


def run(rounds: int) -> Iterator[Comparison]:
    """Both documents."""
    with tempfile.TemporaryDirectory() as folder, _stage(Path(folder)) as stage:
        with stage.client(stage.api_token("console", "console")) as console:
            issuer = str(stage.onboard(console, _ACCOUNT).account["issuer"])
        documents = {
            "discovery": f"{issuer}/.well-known/openid-configuration",
            "JWKS": f"{issuer}/jwks.json",
        }
        file = Path(folder) / "answers.json"
        file.write_text(json.dumps([_answer(url) for url in documents.values()]), "utf-8")
        with _bare(stage, file) as bare_url:
            for name, url in documents.items():
                yield _compared(name, url, bare_url + urlsplit(url).path, rounds=rounds)


def _stage(folder: Path) -> Stage:
    """A stage whose broker has one worker.

    With several it is chance which of them a connection ends up with, and the same server
    answers half or twice as much from one second to the next.
    """
    return Stage(folder / "stage", settings={"BROKER_WORKERS": "1"})


def _compared(name: str, ours: str, theirs: str, *, rounds: int) -> Comparison:
    if httpx.get(ours, trust_env=False).content != httpx.get(theirs, trust_env=False).content:
        raise BenchmarkFailed("the two sides answer different bytes")
    return Comparison(
        what=f"{name} documents",
        against="bare WSGI callable",
        unit="1/s",
        rounds=in_turns(
            lambda: http_load.requests_a_second(ours, seconds=_SECONDS),
            lambda: http_load.requests_a_second(theirs, seconds=_SECONDS),
            rounds=rounds,
        ),
        goal=Goal(Bound.AT_LEAST, 0.8),
    )


def _answer(url: str) -> dict[str, object]:
    """What the broker answers, as `benchmarks.bare_issuer` wants it."""
    answer = httpx.get(url, trust_env=False).raise_for_status()
    headers = [each for each in answer.headers.items() if each[0] not in _SENT_BY_GUNICORN]
    return {"path": urlsplit(url).path, "headers": headers, "body": answer.text}


@contextmanager
def _bare(stage: Stage, file: Path) -> Iterator[str]:
    """A gunicorn with the bare callable, configured as the broker's own is."""
    bind = f"127.0.0.1:{free_port()}"
    application = f"benchmarks.bare_issuer:serving({str(file)!r})"
    command = ("-m", "gunicorn", "-c", "python:broker.web.gunicorn_conf", application)
    with stage.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=_ROOT,
            env={**stage.environment, "BROKER_BIND": bind},
            stdout=log,
            stderr=log,
        )
    try:
        _await_listening(process, bind)
        yield f"http://{bind}"
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def _await_listening(process: subprocess.Popen[bytes], bind: str) -> None:
    host, port = bind.split(":")
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except ConnectionRefusedError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchmarkFailed("the bare gunicorn does not listen") from None
            time.sleep(0.05)
        else:
            return
