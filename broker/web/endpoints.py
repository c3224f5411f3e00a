"""Endpoints as values: what a view takes and gives, checked and rendered in one place.

A view receives parsed arguments only: the authenticated call, identifiers from the path, the
models of query and body. OpenAPI is generated from the same values.
"""

from __future__ import annotations

import json
import typing
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from flask import Flask, Response, request
from pydantic import BaseModel, TypeAdapter, ValidationError

from broker.contract.base import NoQuery
from broker.domain.ports import IdempotencyRepository
from broker.errors import FieldProblem, InvalidRequest
from broker.services.calls import Call
from broker.web.idempotency import Repeats, answer_once

View = Callable[..., "Reply | Stream | BaseModel"]
MAX_BODY = 64 * 1024
"""Bytes of the largest body that is read."""


def path_parameters(path: str, view: Callable[..., object]) -> dict[str, TypeAdapter[Any]]:
    """The identifiers in `path`, with the types that `view` asks for."""
    names = [part[1:-1] for part in path.split("/") if part.startswith("<")]
    hints = typing.get_type_hints(view, include_extras=True)
    return {name: TypeAdapter(hints[name]) for name in names}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that needs headers of its own."""

    body: BaseModel | None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that is sent piece by piece, once nothing of it can be refused any more.

    Where a piece cannot be had the connection is cut, so that nobody takes a part for the whole.
    """

    pieces: Iterator[bytes]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method at one path of the API."""

    method: str
    path: str
    view: View
    summary: str
    body: type[BaseModel] | None
    query: type[BaseModel]
    answer: type[BaseModel] | None
    status: int
    repeats: Repeats
    media_type: str
    """What the answer is; anything but JSON is streamed."""

    @property
    def name(self) -> str:
        """The operation's id: the name of its view."""
        return self.view.__name__

    @property
    def path_parameters(self) -> dict[str, TypeAdapter[Any]]:
        """The identifiers in the path, with the types that the view asks for."""
        return path_parameters(self.path, self.view)


class Access(Enum):
    """Who may call the endpoints of an Api at all."""

    CALLERS = "whoever shows who they are"
    PUBLIC = "everybody"


class Api:
    """A collection of endpoints; each module of `broker.web.api` fills one."""

    def __init__(self, tag: str, *, access: Access = Access.CALLERS) -> None:
        """Views of a public one are given the services and what was sent, and no call."""
        self.tag = tag
        self.access = access
        self.endpoints: list[Endpoint] = []

    def endpoint(
        self,
        method: str,
        path: str,
        *,
        answer: type[BaseModel] | None,
        body: type[BaseModel] | None = None,
        query: type[BaseModel] = NoQuery,
        status: int = 200,
        repeats: Repeats = Repeats.ANSWERED_AGAIN,
        media_type: str = "application/json",
    ) -> Callable[[View], View]:
        """Make the decorated view the endpoint at `path`; its docstring is the summary."""

        def register(view: View) -> View:
            self.endpoints.append(
                Endpoint(
                    method=method,
                    path=path,
                    view=view,
                    summary=(view.__doc__ or "").strip(),
                    body=body,
                    query=query,
                    answer=answer,
                    status=status,
                    repeats=repeats,
                    media_type=media_type,
                )
            )
            return view

        return register


def mount(
    app: Flask,
    apis: typing.Iterable[Api],
    *,
    authenticate: Callable[[], Call],
    idempotency: IdempotencyRepository,
    services: object,
) -> None:
    """Add every endpoint to `app`; a view's first two arguments are `services` and the call."""
    for api in apis:
        for endpoint in api.endpoints:
            if api.access is Access.PUBLIC:
                handler = _public_handler(endpoint, services=services)
            else:
                handler = _handler(
                    endpoint, authenticate=authenticate, idempotency=idempotency, services=services
                )
            app.add_url_rule(
                endpoint.path,
                endpoint=endpoint.name,
                methods=[endpoint.method],
                view_func=handler,
            )


def _handler(
    endpoint: Endpoint,
    *,
    authenticate: Callable[[], Call],
    idempotency: IdempotencyRepository,
    services: object,
) -> Callable[..., Response]:
    identifiers = endpoint.path_parameters

    def handle(**path: str) -> Response:
        call = authenticate()
        arguments: dict[str, object] = {
            name: _parsed(identifiers[name].validate_python, value, at=name)
            for name, value in path.items()
        }
        query = _query(endpoint.query)
        if endpoint.query is not NoQuery:
            arguments["query"] = query
        if endpoint.body is not None:
            arguments["body"] = _body(endpoint.body)

        def answer() -> Response:
            return _rendered(endpoint, endpoint.view(services, call, **arguments))

        return answer_once(answer, call=call, repeats=endpoint.repeats, kept=idempotency)

    return handle


def _public_handler(endpoint: Endpoint, *, services: object) -> Callable[..., Response]:
    """For what everybody may read: it takes nothing but its address."""

    def handle() -> Response:
        _query(endpoint.query)
        return _rendered(endpoint, endpoint.view(services))

    return handle


def _query(model: type[BaseModel]) -> BaseModel:
    try:
        given = request.args
    except UnicodeDecodeError as e:
        raise InvalidRequest(
            "The query is not UTF-8. Escape what it holds with percent signs.",
            problems=[FieldProblem("", "must be UTF-8, percent-encoded")],
        ) from e
    repeated = [name for name, values in given.lists() if len(values) > 1]
    if repeated:
        raise _invalid([FieldProblem(name, "must be given once") for name in sorted(repeated)])
    parsed: BaseModel = _parsed(model.model_validate, given.to_dict())
    return parsed


def _body(model: type[BaseModel]) -> BaseModel:
    charset = request.mimetype_params.get("charset", "utf-8")
    if request.mimetype != "application/json" or charset.lower() != "utf-8":
        raise InvalidRequest(
            "Send the body as JSON in UTF-8, with `Content-Type: application/json`.",
            problems=[FieldProblem("", "is not declared as application/json in UTF-8")],
        )
    text = request.get_data(cache=True)
    parsed: BaseModel = _parsed(model.model_validate_json, text)
    # Parsers disagree on which of two equal members counts, so what was checked somewhere in
    # front of us might not be what we do. The parse before has bounded the depth.
    json.loads(text, object_pairs_hook=_once_each)
    return parsed


def _once_each(members: list[tuple[str, object]]) -> None:
    counted = Counter(name for name, _ in members)
    repeated = sorted(name for name, count in counted.items() if count > 1)
    if repeated:
        raise _invalid([FieldProblem(name, "must be given once") for name in repeated])


def _parsed(parse: Callable[[Any], Any], value: object, *, at: str = "") -> Any:
    try:
        return parse(value)
    except ValidationError as e:
        raise _invalid(field_problems(e, at=at)) from None


def field_problems(error: ValidationError, *, at: str = "") -> list[FieldProblem]:
    """What is wrong with each field, below `at`; nothing of what was sent is repeated."""
    return [
        FieldProblem(
            ".".join(str(part) for part in (at, *each["loc"]) if part != ""),
            each["msg"].removeprefix("Value error, "),
        )
        for each in error.errors(include_url=False, include_input=False)
    ]


def _invalid(problems: list[FieldProblem]) -> InvalidRequest:
    first = problems[0]
    where = f"`{first.field}`" if first.field else "The body"
    more = f" ({len(problems) - 1} more in `errors`)" if len(problems) > 1 else ""
    return InvalidRequest(
        f"The request does not validate. {where}: {first.message}.{more}", problems=problems
    )


def _rendered(endpoint: Endpoint, given: Reply | Stream | BaseModel) -> Response:
    if isinstance(given, Stream):
        response = Response(given.pieces, status=endpoint.status, content_type=endpoint.media_type)
        response.headers.extend(given.headers)
        return response
    reply = given if isinstance(given, Reply) else Reply(given)
    body = "" if reply.body is None else reply.body.model_dump_json(by_alias=True)
    response = Response(body, status=endpoint.status, content_type=endpoint.media_type)
    response.headers.extend(reply.headers)
    return response
