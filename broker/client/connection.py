"""One broker, one caller: sending what is asked and reading what is answered."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from broker.client.errors import (
    BadAddress,
    BadCredential,
    BrokeOff,
    ClientError,
    NotABroker,
    ProblemAnswered,
    TimedOut,
    Unreachable,
)
from broker.domain.plain_text import plain
from broker.http.packing import UNPACKED, is_packed

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0
"""A session waits for KMS and STS, with retries."""

LARGEST = 32 * 1024 * 1024
"""Bytes of an answer that is read as a whole. The largest of a broker's, a proof, has far less."""

Answered = TypeVar("Answered", bound=BaseModel)
Segments = Sequence[str]
"""The parts of an address below `/v1/`, not escaped."""

_BUSY = "too_busy"
_TRIES_WHEN_BUSY = 8
_CREDENTIAL = re.compile(r"[\x21-\x7e]+")
"""What a header can carry as a bearer token: printable ASCII without spaces."""


class _Problem(BaseModel):
    """What every problem document says (RFC 9457)."""

    detail: str
    code: str
    request_id: str


class Connection:
    """What all operations stand on. A context manager that closes its connections."""

    def __init__(
        self,
        url: str,
        credential: str | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`credential` is an API token or an ID token; what is public needs none.

        `transport` is for who brings their own. Raises BadAddress and BadCredential, which do not
        repeat the credential.
        """
        if credential is not None and _CREDENTIAL.fullmatch(credential) is None:
            raise BadCredential(
                "The API token holds characters that no token has; was a line break copied with it?"
            )
        self._url = _checked(url).rstrip("/")
        self._http = httpx.Client(
            base_url=self._url,
            headers={
                **UNPACKED,
                **({} if credential is None else {"Authorization": f"Bearer {credential}"}),
            },
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            # A redirect would carry the credential to wherever it points.
            follow_redirects=False,
            # What is plain is for this machine alone: a proxy would read the credential along.
            trust_env=httpx.URL(self._url).scheme == "https",
            transport=transport,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def _ask(
        self,
        method: str,
        segments: Segments,
        *,
        answer: type[Answered],
        body: BaseModel | None = None,
        query: BaseModel | None = None,
    ) -> Answered:
        """What is answered, parsed: members that a newer broker adds are passed over.

        Raises ClientError, in all its kinds.
        """
        response = self._tell(method, segments, body=body, query=query)
        try:
            return answer.model_validate_json(response.content)
        except ValidationError:
            # Not chained: pydantic's error repeats what was sent, which may be half of a secret.
            raise NotABroker(self._url) from None

    def _tell(
        self,
        method: str,
        segments: Segments,
        *,
        body: BaseModel | None = None,
        query: BaseModel | None = None,
    ) -> httpx.Response:
        """The answer of a request that succeeded, whatever is in it. Raises ClientError.

        Members that nobody gave are not sent: they are the broker's to choose.
        """
        request = self._http.build_request(
            method,
            _path(segments),
            params=None if query is None else _parameters(query),
            content=None
            if body is None
            else body.model_dump_json(by_alias=True, exclude_unset=True),
            headers={} if body is None else {"Content-Type": "application/json"},
        )
        try:
            response = self._sent(request)
        except httpx.TimeoutException as e:
            raise TimedOut(self._url) from e
        except httpx.HTTPError as e:
            raise Unreachable(self._url) from e
        if not response.is_success:
            raise _failure(response, self._url)
        return response

    def _sent(self, request: httpx.Request) -> httpx.Response:
        """The answer; where the broker is too busy to begin, nothing has happened: ask again."""
        response = self._received(request)
        for _ in range(_TRIES_WHEN_BUSY):
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE or _code(response) != _BUSY:
                break
            # A little apart from others who were sent away in the same moment.
            time.sleep(1 + random.random())  # noqa: S311 - no secret
            response = self._received(request)
        return response

    def _received(self, request: httpx.Request) -> httpx.Response:
        """The whole answer, if it is no larger than any broker's. Raises NotABroker."""
        response = self._http.send(request, stream=True)
        try:
            return self._whole(response)
        finally:
            response.close()

    def _whole(self, response: httpx.Response) -> httpx.Response:
        self._refuse_packed(response)
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > LARGEST:
                raise NotABroker(self._url, status=response.status_code)
        return httpx.Response(response.status_code, content=bytes(body))

    def _refuse_packed(self, response: httpx.Response) -> None:
        if is_packed(response):
            raise NotABroker(self._url, status=response.status_code)

    @contextmanager
    def _pieces(self, segments: Segments, *, query: BaseModel) -> Iterator[Iterator[bytes]]:
        """The body of an answer that is streamed, for as long as the block lasts.

        Raises ClientError as `_ask` does, and BrokeOff where the body does.
        """
        try:
            with self._http.stream("GET", _path(segments), params=_parameters(query)) as response:
                if not response.is_success:
                    raise _failure(self._whole(response), self._url)
                self._refuse_packed(response)
                yield response.iter_bytes()
        except httpx.ConnectError as e:
            raise Unreachable(self._url) from e
        except httpx.HTTPError as e:
            raise BrokeOff(self._url) from e


_MEMBERS = TypeAdapter(dict[str, object])


def _checked(url: str) -> str:
    """`url`; one with a name and password in it is not repeated. Raises BadAddress."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.userinfo:
        raise BadAddress("The broker's URL holds a name or a password; they do not belong there.")
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise BadAddress(f"{url!r} is not the URL of a broker.")
    return url


def _path(segments: Segments) -> str:
    """The address below the broker's. An id cannot lead to another one: it stays one segment."""
    if not all(segment.strip(".") for segment in segments):
        raise ValueError("an id is empty, or nothing but dots")
    return "/v1/" + "/".join(quote(segment, safe="") for segment in segments)


def _parameters(query: BaseModel) -> dict[str, str | int]:
    parameters: dict[str, str | int] = query.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude_unset=True
    )
    return parameters


def _problem(response: httpx.Response) -> _Problem | None:
    """What a problem document says; None where the answer is none."""
    try:
        return _Problem.model_validate_json(response.content)
    except ValidationError:
        return None


def _code(response: httpx.Response) -> str | None:
    problem = _problem(response)
    return None if problem is None else problem.code


def _failure(response: httpx.Response, url: str) -> ClientError:
    problem = _problem(response)
    if problem is None:
        return NotABroker(url, status=response.status_code)
    return ProblemAnswered(
        status=response.status_code,
        # They go to people's terminals, and in `broker exec` to those of SDKs.
        code=plain(problem.code),
        detail=plain(problem.detail),
        request_id=plain(problem.request_id),
        members=_MEMBERS.validate_json(response.content),
    )
