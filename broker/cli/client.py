"""The broker's HTTP API, as commands use it: problems become sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import httpx

from broker.cli.failures import CommandFailed, CommandRefused

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0
"""A session waits for KMS and STS, with retries."""


class BrokerClient:
    """One broker, one caller. A context manager that closes its connections."""

    def __init__(self, url: str, api_token: str) -> None:
        self._url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=self._url,
            headers={"Authorization": f"Bearer {api_token}"},
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            # A redirect would carry the token to wherever it points.
            follow_redirects=False,
        )

    def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """The parsed answer. Raises CommandFailed with the problem's sentence and code."""
        try:
            response = self._http.request(method, path, json=body)
        except httpx.TimeoutException as e:
            raise CommandFailed(f"The broker at {self._url} does not answer in time.") from e
        except httpx.HTTPError as e:
            raise CommandFailed(
                f"The broker at {self._url} cannot be reached. Is BROKER_URL right?"
            ) from e
        if response.is_success:
            return _json(response, self._url)
        raise _failure(response, self._url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()


def _json(response: httpx.Response, url: str) -> Any:
    if response.status_code == httpx.codes.NO_CONTENT:
        return None
    try:
        return response.json()
    except ValueError as e:
        raise CommandFailed(f"{url} does not answer like a broker. Is BROKER_URL right?") from e


def _failure(response: httpx.Response, url: str) -> CommandFailed:
    if response.headers.get("Content-Type", "").partition(";")[0] != "application/problem+json":
        return CommandFailed(
            f"{url} answered {response.status_code}, not like a broker. Is BROKER_URL right?"
        )
    problem = _json(response, url)
    sentence = f"{problem['detail']} (request {problem['request_id']})"
    failure = CommandFailed if response.is_server_error else CommandRefused
    return failure(sentence, code=problem["code"])
