"""The client has what the API has: no operation more or less, and the same models."""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from broker.client.broker import Broker
from broker.client.connection import Connection
from broker.contract.base import NoQuery
from broker.web import examples
from broker.web.api import APIS, PUBLIC_APIS
from broker.web.endpoints import Endpoint
from broker.web.openapi import as_json

URL = "https://broker.example.com"

ENDPOINTS = [endpoint for api in (*APIS, *PUBLIC_APIS) for endpoint in api.endpoints]

operations = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)


def expected(endpoint: Endpoint) -> dict[str, object]:
    """What the operation's method takes and gives, by name."""
    hints = dict.fromkeys(endpoint.path_parameters, ...)
    if endpoint.body is not None:
        hints["body"] = endpoint.body
    if endpoint.query is not NoQuery:
        hints["query"] = endpoint.query
    streams = endpoint.media_type != "application/json"
    hints["return"] = endpoint.answer or type(None)
    if streams:
        hints["return"] = AbstractContextManager[Iterator[bytes]]
    return hints


@operations
def test_every_operation_has_its_method(endpoint: Endpoint) -> None:
    """Named as in OpenAPI, with the endpoint's own models; a route without one fails here."""
    method = getattr(Broker, endpoint.name)
    hints = typing.get_type_hints(method)
    wanted = expected(endpoint)
    assert list(inspect.signature(method).parameters)[1:] == [n for n in wanted if n != "return"]
    assert {**hints, **dict.fromkeys(endpoint.path_parameters, ...)} == wanted


@operations
def test_a_method_asks_and_reads_what_openapi_describes(endpoint: Endpoint) -> None:
    """Method, address, query and body as the example has them; and the example's answer again."""
    asked: list[httpx.Request] = []
    answer = examples.answer_of(endpoint)

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if isinstance(answer, BaseModel):
            content = answer.model_dump_json(by_alias=True)
            return httpx.Response(endpoint.status, content=content)
        return httpx.Response(endpoint.status, content=answer or "")

    given: dict[str, Any] = dict(examples.path_of(endpoint))
    if endpoint.body is not None:
        given["body"] = examples.body_of(endpoint)
    if endpoint.query is not NoQuery:
        given["query"] = examples.query_of(endpoint) or endpoint.query()
    with Broker(URL, "brk_tests", transport=httpx.MockTransport(handle)) as broker:
        read = getattr(broker, endpoint.name)(**given)
        if isinstance(answer, str):
            with read as pieces:
                read = b"".join(pieces).decode()
    (request,) = asked
    path = endpoint.path
    for name, value in examples.path_of(endpoint).items():
        path = path.replace(f"<{name}>", value)
    assert (request.method, request.url.path) == (endpoint.method, path)
    assert request.headers["Authorization"] == "Bearer brk_tests"
    if endpoint.body is not None:
        assert json.loads(request.content) == as_json(given["body"])
    if endpoint.query is not NoQuery:
        query = given["query"].model_dump(mode="json", exclude_unset=True)
        assert dict(request.url.params) == query
    assert read == answer


def test_no_method_leads_nowhere() -> None:
    """What the API has no more, the client has no more."""
    own = {name for name, _ in inspect.getmembers(Broker, inspect.isfunction)}
    inherited = {name for name, _ in inspect.getmembers(Connection, inspect.isfunction)}
    assert own - inherited == {endpoint.name for endpoint in ENDPOINTS}
