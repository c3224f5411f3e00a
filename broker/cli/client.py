"""The broker's HTTP API, as commands use it: problems become sentences."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

import click
import httpx
from pydantic import BaseModel, ValidationError

from broker.cli.failures import CommandFailed, CommandMisused, CommandRefused

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0
"""A session waits for KMS and STS, with retries."""

_INVALID = "invalid_request"
_BUSY = "too_busy"
_TRIES_WHEN_BUSY = 8

_TOKEN = re.compile(r"[\x21-\x7e]+")
"""What a header can carry as a bearer token: printable ASCII without spaces."""


class _Problem(BaseModel):
    """What commands read of a problem document (RFC 9457)."""

    detail: str
    code: str
    request_id: str


class BrokerClient:
    """One broker, one caller. A context manager that closes its connections."""

    def __init__(self, url: str, api_token: str) -> None:
        """Raises UsageError for an address that is no http URL and for a token that cannot be sent.

        The token is not repeated.
        """
        if _TOKEN.fullmatch(api_token) is None:
            raise click.UsageError(
                "The API token holds characters that no token has; was a line break copied with it?"
            )
        self._url = _checked(url).rstrip("/")
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
            response = self._answered(method, path, body)
        except httpx.TimeoutException as e:
            raise CommandFailed(f"The broker at {self._url} does not answer in time.") from e
        except httpx.HTTPError as e:
            raise CommandFailed(
                f"The broker at {self._url} cannot be reached. Is BROKER_URL right?"
            ) from e
        if response.is_success:
            return _json(response, self._url)
        raise _failure(response, self._url)

    def _answered(
        self, method: str, path: str, body: Mapping[str, object] | None
    ) -> httpx.Response:
        """The answer; where the broker is too busy to begin, nothing has happened: ask again."""
        response = self._http.request(method, path, json=body)
        for _ in range(_TRIES_WHEN_BUSY):
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE or _code(response) != _BUSY:
                break
            # A little apart from others who were sent away in the same moment.
            time.sleep(1 + random.random())  # noqa: S311 - no secret
            response = self._http.request(method, path, json=body)
        return response

    @contextmanager
    def pieces(self, path: str) -> Iterator[Iterator[bytes]]:
        """The body of an answer that is streamed, for as long as the block lasts.

        Raises CommandFailed as `request` does, and where the body breaks off.
        """
        try:
            with self._http.stream("GET", path) as response:
                if not response.is_success:
                    response.read()
                    raise _failure(response, self._url)
                yield response.iter_bytes()
        except httpx.HTTPError as e:
            raise CommandFailed(f"The answer of {self._url} broke off. Try again.") from e

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()


def _checked(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise click.UsageError(f"{url!r} is not the URL of a broker. Is BROKER_URL right?")
    return url


def _json(response: httpx.Response, url: str) -> Any:
    if response.status_code == httpx.codes.NO_CONTENT:
        return None
    try:
        return response.json()
    except ValueError as e:
        raise not_a_broker(url) from e


def _code(response: httpx.Response) -> str | None:
    """The code of a problem; None where the answer is none."""
    try:
        return _Problem.model_validate_json(response.content).code
    except ValidationError:
        return None


def _failure(response: httpx.Response, url: str) -> CommandFailed:
    try:
        problem = _Problem.model_validate_json(response.content)
    except ValidationError:
        return CommandFailed(
            f"{url} answered {response.status_code}, not like a broker. Is BROKER_URL right?"
        )
    sentence = f"{problem.detail} (request {problem.request_id})"
    if response.is_server_error or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return CommandFailed(sentence, code=problem.code)
    if problem.code == _INVALID:
        return CommandMisused(sentence, code=problem.code)
    return CommandRefused(sentence, code=problem.code)


def not_a_broker(url: str) -> CommandFailed:
    """What answers at `url` succeeds in something else; what it said is not repeated."""
    return CommandFailed(f"{url} does not answer like a broker. Is BROKER_URL right?")
