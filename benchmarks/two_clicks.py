"""From "my ticket" to credentials in a real browser, against the same session asked of the API.

Ours is what an engineer waits for: a click on the ticket, a click on the button, and the page with
the credentials painted, in Debian's chromium with the site's style and script. Theirs is the one
call that the second click leads to. Both are jane's, at the same broker, for the same ticket.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import httpx
from playwright.sync_api import Error, Page

from benchmarks.comparison import BenchmarkFailed, Comparison, in_turns
from broker.cli.demo.people import HARBOUR_BANK, JANE
from broker.cli.demo.stage import UNHURRIED, SignIn, Stage
from tests.browser.chromium import running_chromium

_TICKET = "T-1042"
_EACH = 3
"""Sessions of each side in a round."""


def run(rounds: int) -> Iterator[Comparison]:
    """The time that somebody waits, in milliseconds."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Stage(Path(folder) / "stage", sign_in=SignIn.AT_THE_SANDBOX, settings=UNHURRIED) as stage,
        stage.client(_api_token(stage)) as api,
        running_chromium() as browser,
    ):
        page = browser.new_page()
        try:
            _sign_in(stage, page)
            yield Comparison(
                what="two clicks to credentials",
                against="POST /v1/sessions",
                unit="ms",
                rounds=in_turns(
                    lambda: sum(_by_clicks(stage, page) for _ in range(_EACH)) / _EACH * 1_000,
                    lambda: sum(_by_call(api) for _ in range(_EACH)) / _EACH * 1_000,
                    rounds=rounds,
                ),
            )
        except Error as e:
            raise BenchmarkFailed(f"the browser: {e.message}") from e


def _api_token(stage: Stage) -> str:
    """Jane's, once there is something for her to do."""
    with stage.client(stage.api_token("console", "console")) as console:
        stage.onboard(console, HARBOUR_BANK, customer="Harbour Bank")
        ticket = {
            "account_ids": [HARBOUR_BANK],
            "subject": "Invoices are missing since Monday",
            "status": "open",
            "assignees": [],
        }
        console.put(f"/v1/tickets/{_TICKET}", json=ticket).raise_for_status()
    return stage.api_token(JANE.login, "engineer")


def _sign_in(stage: Stage, page: Page) -> None:
    page.goto(f"{stage.url}/sign-in?return_to=/tickets")
    page.get_by_role("button", name=JANE.name).click()
    page.wait_for_url(f"{stage.url}/tickets")


def _by_clicks(stage: Stage, page: Page) -> float:
    """Seconds from the first click until the credentials are there to be read."""
    page.goto(f"{stage.url}/tickets")
    ticket = page.get_by_role("link", name=_TICKET, exact=True)
    ticket.wait_for()
    begun = perf_counter()
    ticket.click()
    page.get_by_role("button", name="Get credentials").click()
    page.get_by_text("AWS_SESSION_TOKEN").first.wait_for()
    return perf_counter() - begun


def _by_call(api: httpx.Client) -> float:
    body = {"account_id": HARBOUR_BANK, "ticket": _TICKET}
    begun = perf_counter()
    answer = api.post("/v1/sessions", json=body)
    if answer.status_code != httpx.codes.CREATED:
        raise BenchmarkFailed(f"POST /v1/sessions was answered {answer.status_code}")
    return perf_counter() - begun
