"""A crowd of sessions at once: AWS still gets the keys, and whoever has to wait is told so."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from broker.cli.demo.programs import run
from broker.cli.demo.stage import UNHURRIED, Stage
from broker.domain.identity.permissions import Role

ACCOUNT, TICKET = "111122223333", "T-1"
CROWD = 40


def test_more_sessions_at_once_than_threads_do_not_starve_the_issuer(tmp_path: Path) -> None:
    """Each exchange makes the sandbox fetch keys from the one process that waits for it.

    Without room kept for that, every thread would wait, and the exchanges would fail together.
    """
    settings = {
        **UNHURRIED,
        "BROKER_WORKERS": "1",
        "BROKER_THREADS": "8",
        "BROKER_SERVE_WORKER": "false",
    }
    with Stage(tmp_path / "stage", settings=settings) as stage:
        engineer = stage.api_token("jane", Role.ENGINEER)
        with stage.client(stage.api_token("console", Role.CONSOLE)) as console:
            stage.onboard(console, ACCOUNT)
            body = {"account_ids": [ACCOUNT], "subject": "Slow", "status": "open", "assignees": []}
            console.put(f"/v1/tickets/{TICKET}", json=body).raise_for_status()
        _crowd(stage, engineer)
        _patient(stage, engineer)


def _crowd(stage: Stage, engineer: str) -> None:
    def ask(_: int) -> httpx.Response:
        with stage.client(engineer) as client:
            return client.post("/v1/sessions", json={"account_id": ACCOUNT, "ticket": TICKET})

    with ThreadPoolExecutor(CROWD) as pool:
        answers = list(pool.map(ask, range(CROWD)))
    told = Counter((answer.status_code, answer.json().get("code")) for answer in answers)
    assert told.keys() <= {(201, None), (503, "too_busy")}, told
    assert told[201, None] >= 6  # as many as may wait at once
    assert told[503, "too_busy"] > 0
    sent_away = next(answer for answer in answers if answer.status_code == 503)
    assert sent_away.headers["Retry-After"] == "1"


def _patient(stage: Stage, engineer: str) -> None:
    """`broker get` comes again by itself."""
    words = ["broker", "get", "--account", ACCOUNT, "--ticket", TICKET, "--format", "json"]
    environment = {"BROKER_URL": stage.url, "BROKER_TOKEN": engineer}
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: run(words, environment), range(10)))
    assert [answer.error for answer in answers if not answer.succeeded] == []
